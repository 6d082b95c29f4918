"""One run from start to stop: the embedded servers, the migrations, every service, the sample knowledge."""

import asyncio
import os
import signal
import time
from collections.abc import Mapping

import httpx

from deploy.local import banner, web_build
from deploy.local.environment import Composition
from deploy.local.launching import Launcher
from deploy.local.log_lines import Log
from deploy.local.plan import DOOR, PARTS, SERVICES, Service, python_program
from deploy.local.ports import LOOPBACK, Ports
from deploy.local.processes import Guardian, Kept, stop_all
from deploy.local.program import Server
from deploy.local.ready import NotReadyError, wait_for_redis, wait_for_server, wait_for_services
from deploy.local.seed import is_needed, seed
from deploy.local.settings import LocalSettings
from libs.db.migrate import migrate, service_folders
from libs.errors import EloquentError

SERVICES_STOP_SECONDS = 7.0
"""A second more than services are given to finish or hand back what they hold."""
SERVERS_STOP_SECONDS = 5.0
PARENT_SECONDS = 1.0
DOOR_SECONDS = 60.0
"""How long the front door waits for the sample documents on the first start."""


class Supervisor:
    """Starts everything, keeps it running, and stops it.

    Args:
        settings: of this run.
        composition: what the children get, and which servers are ours to start.
        ports: where they listen.
        log: where their lines go.
        launcher: what starts them.
    """

    def __init__(
        self, settings: LocalSettings, composition: Composition, *, ports: Ports, log: Log, launcher: Launcher
    ) -> None:
        self._settings = settings
        self._composition = composition
        self._ports = ports
        self._log = log
        self._launcher = launcher
        self._guardian = Guardian()
        # The embedded parts; they outlive the services, which finish their work with them.
        self._servers: list[Kept] = []
        self._services: list[Kept] = []
        self._stopping = asyncio.Event()

    async def run(self) -> int:
        """The exit code, when everything this run started has ended."""
        loop = asyncio.get_running_loop()
        for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(ending, self._stopping.set)
        try:
            async with asyncio.TaskGroup() as background:
                # It hears of the ends of processes, so it goes on until all have ended.
                listening = background.create_task(self._launcher.listen())
                succeeded = await self._run_until_stopped()
                listening.cancel()
        finally:
            self._guardian.close()
        self._log.say("stopped")
        return 0 if succeeded else 1

    async def _run_until_stopped(self) -> bool:
        async with asyncio.TaskGroup() as group:
            starting = group.create_task(self._start(group))
            watching = group.create_task(self._watch_parent())
            await self._stopping.wait()
            self._log.say("stopping")
            watching.cancel()
            starting.cancel()
            await asyncio.wait([starting])
            await stop_all(self._services, within_seconds=SERVICES_STOP_SECONDS)
            await stop_all(self._servers, within_seconds=SERVERS_STOP_SECONDS)
        return starting.cancelled() or starting.result()

    async def _start(self, group: asyncio.TaskGroup) -> bool:
        """Everything runs and knows the sample knowledge; or the run is told to stop and the reason is in the log."""
        try:
            await self._start_everything(group)
        except* (NotReadyError, EloquentError) as errors:
            for error in errors.exceptions:
                self._log.say(f"cannot go on: {error}", level="error")
            self._stopping.set()
        return not self._stopping.is_set()

    async def _start_everything(self, group: asyncio.TaskGroup) -> None:
        began = time.monotonic()
        for service in PARTS:
            if service.part in self._composition.embedded:
                self._keep(group, service, among=self._servers)
        async with asyncio.TaskGroup() as servers:
            servers.create_task(self._start_valkey(group))
            servers.create_task(self._start_postgres(group))
            servers.create_task(self._wait_for_identity())
        async with asyncio.TaskGroup() as loading:
            first = is_needed(self._settings, self._composition)
            for service in SERVICES:
                if service is not DOOR or not first:
                    self._keep(group, service, among=self._services)
            if first:
                await self._load_samples(loading)
                self._keep(group, DOOR, among=self._services)
            await self._wait_for(self._addresses())
            banner.show(self._log, self._settings, self._composition, seconds=time.monotonic() - began)
            # Only now: it takes both cores for a while, and a question can be asked without it.
            await self._build_web_page()

    async def _build_web_page(self) -> None:
        if not self._settings.web_page or web_build.is_current():
            return
        self._log.say("building the web page")
        try:
            await web_build.build(environment=os.environ, watch=self._guardian.watch)
        except (web_build.WebBuildError, OSError) as error:
            self._log.say(f"no web page, but everything else runs: {error}", level="warning")
        else:
            self._log.say("the web page is ready", url=f"http://{LOOPBACK}:{self._settings.port}")

    async def _load_samples(self, loading: asyncio.TaskGroup) -> None:
        """The door opens when there is something to answer from: the first question is not in vain."""
        addresses = {name: address for name, address in self._addresses().items() if name != DOOR.name}
        await self._wait_for(addresses)
        task = loading.create_task(seed(addresses["ingest-api"], self._log, self._settings, self._composition))
        # Where models are slow the rest is loaded behind the open door.
        await asyncio.wait([task], timeout=DOOR_SECONDS)

    async def _wait_for(self, addresses: Mapping[str, str]) -> None:
        async with httpx.AsyncClient(trust_env=False) as http:
            await wait_for_services(addresses, http, self._log, kept=[*self._servers, *self._services])

    async def _start_valkey(self, group: asyncio.TaskGroup) -> None:
        if "valkey" in self._composition.embedded:
            await self._serve(group, self._composition.valkey)
        else:
            await wait_for_redis(self._composition.environment["REDIS_URL"])

    async def _start_postgres(self, group: asyncio.TaskGroup) -> None:
        if "postgres" in self._composition.embedded:
            await self._serve(group, self._composition.postgres)
        applied = await migrate(self._composition.environment["DATABASE_URL"], service_folders())
        if applied:
            self._log.say("migrated the database", migrations=len(applied))

    async def _wait_for_identity(self) -> None:
        # Services that verify tokens ask for its keys as they start; without an answer they would warn.
        if "identity" in self._composition.embedded:
            await self._wait_for({"identity": self._addresses()["identity"]})

    async def _serve(self, group: asyncio.TaskGroup, server: Server) -> None:
        try:
            await server.prepare()
        except RuntimeError as error:
            raise NotReadyError(str(error)) from error
        kept = Kept(server.program(), self._log, self._guardian, self._launcher, before=server.prepare)
        self._servers.append(kept)
        group.create_task(kept.run())
        await wait_for_server(server, kept)

    def _keep(self, group: asyncio.TaskGroup, service: Service, *, among: list[Kept]) -> None:
        program = python_program(service, self._composition.environment_of(service.name), self._ports)
        kept = Kept(program, self._log, self._guardian, self._launcher)
        among.append(kept)
        group.create_task(kept.run())

    def _addresses(self) -> Mapping[str, str]:
        started = [*(part for part in PARTS if part.part in self._composition.embedded), *SERVICES]
        return {service.name: f"http://{LOOPBACK}:{service.port(self._ports)}" for service in started}

    async def _watch_parent(self) -> None:
        # A `make` that is killed outright tells its recipe nothing; another parent may go and mean us to stay.
        parent = os.getppid()
        while self._composition.environment.get("MAKELEVEL") and not self._stopping.is_set():
            await asyncio.sleep(PARENT_SECONDS)
            if os.getppid() != parent:
                self._stopping.set()
