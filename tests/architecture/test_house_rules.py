"""House rules that no linter knows."""

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.checkout import PRODUCT, files, modules, text, tree

MODULE_LINES = 250
TEST_MODULE_LINES = 300

BARE_TASKS = {
    "generation_service/worker.py": "makes a prompt, which waits for nothing and ends by itself; who began it takes it",
    "gateway/conversation.py": "a client's requests begin whenever it asks; run() ends them all",
    "libs/answers/subscriber.py": "lives from __aenter__ to __aexit__; alive() tells the probe when it has died",
    "libs/answers/writer.py": "lives from __aenter__ to __aexit__",
    "libs/bus/cluster.py": "a map of the slots that many wait for; aclose() ends it, and all of them hear how",
    "libs/auth/jwks.py": "a fetch that many wait for; it ends by its own time limit, and all of them hear how",
}
"""Modules that make tasks outside of a task group, and why nothing is lost there."""

STARTERS = {"create_task", "ensure_future", "run_coroutine_threadsafe"}
LOOPS = {"asyncio", "loop", "get_running_loop", "get_event_loop"}

REGISTRIES = re.compile(
    r"pypi\.org|pythonhosted\.org|npmjs\.(org|com)|yarnpkg\.com|docker\.io/|ghcr\.io|quay\.io|proxy\.golang\.org"
    r"|artifactory|/simple/|--(extra-)?index-url|--find-links|registry="
)
MACHINE_PATHS = re.compile(r"(?<![\w.~/])/(work|root|home/\w+|Users/\w+)/")


@pytest.mark.parametrize(("folders", "most"), [(PRODUCT, MODULE_LINES), (("tests",), TEST_MODULE_LINES)])
def test_a_module_is_one_idea(folders: tuple[str, ...], most: int) -> None:
    """Whoever opens a module can keep it in mind; one that grows is split by verb."""
    long = {str(path): lines for path in modules(*folders) if (lines := len((text(path) or "").splitlines())) > most}

    assert long == {}


def test_the_environment_is_read_in_one_place() -> None:
    """Services and libs get settings handed to them; only pydantic-settings looks at the environment."""
    services_and_libs = [folder for folder in PRODUCT if folder != "deploy"]
    found = [
        f"{path}:{node.lineno}"
        for path in modules(*services_and_libs)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute | ast.Name | ast.alias)
        and _name(node) in {"environ", "environb", "getenv", "putenv"}
    ]

    assert found == []


def test_no_task_is_started_and_forgotten() -> None:
    """Outside of task groups tasks are made only where somebody has thought of their end."""
    found = {str(path) for path in modules(*PRODUCT) if any(map(_starts_bare_task, ast.walk(tree(path))))}

    assert found == set(BARE_TASKS)


def test_links_lead_somewhere() -> None:
    """Every relative link in the documentation names a file or a folder of the checkout."""
    known = {str(path) for path in files()} | {str(parent) for path in files() for parent in path.parents}
    broken = [
        f"{path}: {target}"
        for path in files()
        if path.suffix == ".md" and not path.is_relative_to("deploy/local/knowledge")
        for target in re.findall(r"\]\((?!\w+:|#)([^)#\s]+)", _without_code(path))
        if _resolved(path, target) not in known
    ]

    assert broken == []


def test_every_decision_is_in_the_index() -> None:
    """`docs/adr/README.md` lists each ADR once, and nothing else."""
    listed = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", text(Path("docs/adr/README.md")) or "")

    assert listed == [path.name for path in files() if path.match("docs/adr/[0-9]*.md")]


def test_nothing_names_a_registry_or_a_machine() -> None:
    """Where packages come from, and where a checkout lies, is the user's business."""
    found = [
        f"{path}: {match.group()}"
        for path in files()
        if not Path(__file__).match(str(path)) and (content := text(path)) is not None
        for match in (*REGISTRIES.finditer(content), *MACHINE_PATHS.finditer(content))
    ]

    assert found == []


def _name(node: ast.Attribute | ast.Name | ast.alias) -> str:
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name) | ast.alias(name=name):
            return name


def _starts_bare_task(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(attr=name, value=ast.Name(id=owner))):
            return name in STARTERS and owner in LOOPS
        case ast.Call(func=ast.Attribute(attr=name, value=ast.Call(func=ast.Attribute(attr=owner)))):
            return name in STARTERS and owner in LOOPS
        case ast.ImportFrom(module="asyncio", names=names):
            return any(alias.name in STARTERS for alias in names)
    return False


def _without_code(path: Path) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`", "", text(path) or "", flags=re.DOTALL)


def _resolved(path: Path, target: str) -> str:
    parts: list[str] = list(path.parent.parts)
    for part in Path(target).parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return str(Path(*parts))
