"""Where the documents of a run have their bytes, and what becomes of that meanwhile: a folder, or S3."""

import asyncio
import os
import random
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from libs.blobs.disk import DiskBlobs
from libs.blobs.s3 import S3Blobs
from tests.fakes import s3_server
from tests.fault.ports import free_ports
from tests.fault.proxy import Proxy

StoreKind = Literal["folder", "s3"]
BUCKET, PREFIX = "eloquent-documents", "documents/"


@dataclass(frozen=True)
class Store:
    """One of them.

    Attributes:
        settings: the worker's.
        blobs: for the people.
        faults: by name, each comes and goes.
    """

    settings: Mapping[str, str]
    blobs: DiskBlobs | S3Blobs
    faults: Mapping[str, Callable[[], Awaitable[None]]]


@asynccontextmanager
async def store(kind: StoreKind, folder: Path, chance: random.Random) -> AsyncIterator[Store]:
    """An empty store."""

    async def for_a_while() -> None:
        await asyncio.sleep(chance.uniform(0.3, 1.0))

    if kind == "folder":
        folder.mkdir(parents=True)
        try:
            yield _in(folder, for_a_while)
        finally:
            shutil.rmtree(folder.parent, ignore_errors=True)
        return
    async with s3_server.running(BUCKET) as s3:
        proxy = Proxy(s3.port)
        await proxy.open()
        # The people's client reads them too, as the SDK does by itself.
        environment = {
            "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{proxy.port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "eu-central-1",
        }
        before = {name: os.environ.get(name) for name in environment}
        os.environ.update(environment)
        try:
            yield _s3(s3, proxy, {**environment, "BLOB_BUCKET": BUCKET, "BLOB_PREFIX": PREFIX}, for_a_while)
        finally:
            for name, value in before.items():
                os.environ.pop(name)
                if value is not None:
                    os.environ[name] = value
            proxy.close()


def _in(folder: Path, for_a_while: Callable[[], Awaitable[None]]) -> Store:
    async def away() -> None:
        elsewhere = folder.with_name("away")
        folder.rename(elsewhere)
        # Whoever would make the folder anew cannot.
        folder.touch()
        try:
            await for_a_while()
        finally:
            folder.unlink()
            elsewhere.rename(folder)

    return Store({"BLOB_DIR": str(folder)}, DiskBlobs(folder), {"blobs": away})


def _s3(
    s3: s3_server.FakeS3, proxy: Proxy, settings: Mapping[str, str], for_a_while: Callable[[], Awaitable[None]]
) -> Store:
    async def away() -> None:
        [proxy.target_port] = free_ports(1)
        proxy.cut()
        try:
            await for_a_while()
        finally:
            proxy.target_port = s3.port

    async def silent() -> None:
        proxy.swallows = True
        try:
            await for_a_while()
        finally:
            proxy.heal()

    async def slow_down() -> None:
        s3.slows_down = True
        try:
            await for_a_while()
        finally:
            s3.slows_down = False

    faults = {"s3 away": away, "s3 silent": silent, "s3 slow down": slow_down}
    return Store(settings, S3Blobs(BUCKET, prefix=PREFIX), faults)
