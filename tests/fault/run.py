"""One run: clients chat, the nemesis strikes, everything is mended, the checker looks at all of it."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from random import Random

import httpx

from tests.fault.checker import Expected, check, keys_of, left_over
from tests.fault.clients import Client, Habits, Message
from tests.fault.cluster import Cluster, Size
from tests.fault.keys import unbounded
from tests.fault.nemesis import Nemesis
from tests.fault.report import LogTail, Report, client_figures, dump

FINISH_SECONDS = 90.0
"""A bound for what is left when the trouble is over."""
DRAIN_SECONDS = 20.0
_GAP_READS = re.compile(r'^answer_log_reads_total{reason="gap"} (\S+)', re.MULTILINE)
_TABLES = "TRUNCATE users, chat_sessions, chat_messages CASCADE"


@dataclass(frozen=True)
class Plan:
    """What a run is made of.

    Attributes:
        chats: sessions, each with a message or two.
        at_once: how many of them at a time.
        faults: what the nemesis may choose from; names of `nemesis.FAULTS`.
        first: what it does in any case, one after the other, before it chooses.
        every_seconds: pause between two faults, at least and at most.
        settings: environment variables of the services.
        embedding_seconds: how long the model takes to embed a question.
        gapless: nothing is broken that could make a gap, so that no reader may find one.
        meanwhile: what else happens meanwhile; gives messages to be checked with the others.
        afterwards: what is looked at when everything is over.
        needs: faults and figures without which the run has shown nothing.
        spared: processes that are never killed, stopped or frozen.
    """

    title: str
    chats: int = 200
    at_once: int = 40
    habits: Habits = field(default_factory=Habits)
    faults: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    every_seconds: tuple[float, float] = (0.2, 1.0)
    expected: Expected = field(default_factory=Expected)
    settings: dict[str, str] = field(default_factory=dict)
    mutants: dict[str, str] = field(default_factory=dict)
    size: Size = field(default_factory=Size)
    proxied: bool = False
    embedding_seconds: float = 0.0
    gapless: bool = False
    meanwhile: "Callable[[Run], Awaitable[Sequence[Message]]] | None" = None
    afterwards: "Callable[[Run], Awaitable[None]] | None" = None
    needs: tuple[str, ...] = ()
    spared: tuple[str, ...] = ()
    finish_seconds: float = FINISH_SECONDS


@dataclass
class Run:
    """A plan being carried out on a cluster."""

    plan: Plan
    seed: int
    cluster: Cluster
    nemesis: Nemesis
    messages: list[Message] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    figures: Counter[str] = field(default_factory=Counter)

    def client(self, name: str, habits: Habits | None = None) -> Client:
        """Somebody whose decisions depend on the seed and their name alone."""
        rng = Random(f"{self.seed}/{name}")  # noqa: S311 - to be repeated, not to be secret
        return Client(self.cluster.sockets, self.cluster.caller(), habits or self.plan.habits, rng)


async def carry_out(plan: Plan, seed: int, cluster: Cluster, tasks: asyncio.TaskGroup) -> Report:
    """The plan's report; services are started anew only where the plan asks for others than there are."""
    await _prepare(plan, cluster, tasks)
    gaps = await gap_reads(cluster) if plan.gapless else 0
    log = LogTail(cluster)
    nemesis = Nemesis(cluster, Random(f"{seed}/nemesis"), plan.spared)  # noqa: S311 - to be repeated
    run = Run(plan, seed, cluster, nemesis)
    report = Report(plan.title, seed, faults=run.nemesis.injected, diary=run.nemesis.diary)
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        group.create_task(run.nemesis.rage(plan.first, plan.faults, every_seconds=plan.every_seconds))
        try:
            await _chat(run)
        except TimeoutError:
            run.violations.append("stuck: not everybody came to an end in time")
        finally:
            run.nemesis.calm()
    try:
        await cluster.ready()
    except TimeoutError as error:
        run.violations.append(f"{error} though all trouble is over")
        # Whoever is started next must not inherit this.
        cluster.started = None
    await _drained(cluster)
    if plan.afterwards is not None:
        await plan.afterwards(run)
    if plan.gapless and (found := await gap_reads(cluster) - gaps):
        run.violations.append(f"readers found {found} gaps though nothing was broken")
    connection = await cluster.connect()
    try:
        async with cluster.redis() as redis:
            report.violations += (
                run.violations
                + run.nemesis.violations
                + await check(run.messages, cluster.model, connection, redis, plan.expected)
            )
            report.violations += await unbounded(redis)
    finally:
        await connection.close()
    report.seconds = time.monotonic() - began
    report.figures = client_figures(run.messages) + log.figures() + run.figures
    happened = report.figures + report.faults
    report.violations += [f"shows nothing: there were no {name}" for name in plan.needs if not happened[name]]
    if report.figures["unexpected_errors"]:
        report.violations.append("a service logged an unexpected error")
    if report.violations:
        report.dump = await dump(cluster, log)
    return report


async def _chat(run: Run) -> None:
    places = asyncio.Semaphore(run.plan.at_once)

    async def one(n: int) -> None:
        async with places:
            client = run.client(f"client {n}")
            try:
                await client.chat()
            finally:
                run.messages += client.messages

    async with asyncio.timeout(run.plan.finish_seconds + run.plan.chats * 0.5), asyncio.TaskGroup() as group:
        for n in range(run.plan.chats):
            group.create_task(one(n))
        if run.plan.meanwhile is not None:
            run.messages += await run.plan.meanwhile(run)


async def _prepare(plan: Plan, cluster: Cluster, tasks: asyncio.TaskGroup) -> None:
    wanted = (plan.settings, plan.mutants, plan.size, plan.proxied)
    if cluster.started != wanted:
        await cluster.stop()
        cluster.settings, cluster.mutants = dict(plan.settings), dict(plan.mutants)
        async with cluster.redis() as redis:
            await redis.flushall()
        # Whoever comes next must not take for started what was not.
        cluster.started = None
        await cluster.start(tasks, plan.size, proxied=plan.proxied)
        cluster.started = wanted
    connection = await cluster.connect()
    try:
        await connection.execute(_TABLES)
    finally:
        await connection.close()
    async with cluster.redis() as redis:
        for key in await keys_of(redis, "dead"):
            await redis.delete(key)
    cluster.model.attempts.clear()
    cluster.model.embedding_seconds = plan.embedding_seconds


async def gap_reads(cluster: Cluster) -> int:
    """How often a reader of a gateway that runs now has found that frames were missing."""
    async with httpx.AsyncClient(trust_env=False) as http:
        pages = [
            (await http.get(f"http://127.0.0.1:{gateway.program.environment['GATEWAY_METRICS_PORT']}/metrics")).text
            for gateway in cluster.of("gateway")
        ]
    return sum(int(float(count)) for page in pages for count in _GAP_READS.findall(page))


async def _drained(cluster: Cluster) -> None:
    """Nothing is on the streams, or there has been time enough for that."""
    deadline = time.monotonic() + DRAIN_SECONDS
    async with cluster.redis() as redis:
        while any((await left_over(redis)).values()) and time.monotonic() < deadline:
            await asyncio.sleep(0.1)
