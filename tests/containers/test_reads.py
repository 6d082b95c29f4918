"""Each container gets the settings that its process reads, and no other."""

import re
from collections.abc import Callable, Mapping

import pytest

import gateway.__main__
import generation_service.__main__
import history_service.__main__
import ingest_service.__main__
import libs.db.migrate
import retrieval_service.__main__
from deploy.compose.processes import READS
from deploy.local.identity import __main__ as identity
from deploy.local.models import __main__ as models
from libs.config import Settings, variable_name

MAINS: Mapping[str, Callable[[], None]] = {
    "migrate": libs.db.migrate.main,
    "identity": identity.main,
    "models": models.main,
    "gateway": gateway.__main__.main,
    "history-api": lambda: history_service.__main__.main(["api"]),
    "history-worker": lambda: history_service.__main__.main(["worker"]),
    "retrieval": retrieval_service.__main__.main,
    "generation": generation_service.__main__.main,
    "ingest-api": lambda: ingest_service.__main__.main(["api"]),
    "ingest-worker": lambda: ingest_service.__main__.main(["worker"]),
}
NO_TEXT = "\udcff"
"""A byte that is no UTF-8: wrong for every text, number and address."""


@pytest.mark.parametrize("process", READS)
def test_a_process_reads_what_the_table_says(process: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where everything is missing or wrong, it complains of each settings class that it reads, and of no other."""
    everything = {name for kinds in READS.values() for kind in kinds for name in _variables(kind)}
    for variable in everything:
        monkeypatch.delenv(variable, raising=False)
    # One that needs nothing would start, and never come back.
    needs = any(field.is_required() for kind in READS[process] for field in kind.model_fields.values())
    named = _complaint(MAINS[process]) if needs else set()
    for variable in everything:
        monkeypatch.setenv(variable, NO_TEXT)
    named |= _complaint(MAINS[process])

    assert named <= {name for kind in READS[process] for name in _variables(kind)}
    assert [kind for kind in READS[process] if not named & _variables(kind)] == []


def test_the_table_has_every_process() -> None:
    """What is started here is what has a row."""
    assert MAINS.keys() == READS.keys()


def _variables(kind: type[Settings]) -> set[str]:
    return {variable_name(kind, field) for field in kind.model_fields}


def _complaint(main: Callable[[], None]) -> set[str]:
    with pytest.raises(SystemExit) as complaint:
        main()
    return set(re.findall(r"^  (\w+):", str(complaint.value), re.MULTILINE))
