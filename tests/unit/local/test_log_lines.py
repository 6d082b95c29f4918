"""One log of many processes: pleasant for people, untouched for programs."""

import io
import json

import pytest

from deploy.local.log_lines import Log


def shown(name: str, text: str, *, level: str = "INFO", raw: bool = False, colour: bool = False) -> str:
    out = io.StringIO()
    Log(level=level, raw=raw, colour=colour, out=out).line(name, text)
    return out.getvalue()


def test_a_json_line_reads_as_message_and_facts() -> None:
    """The prefix names the process; ids of the log system itself are left out."""
    line = json.dumps(
        {"level": "info", "message": "answer completed", "timestamp": "t", "service": "generation", "tokens": 12}
    )

    assert shown("generation", line) == "generation     │ answer completed  tokens=12\n"


def test_a_warning_says_so() -> None:
    """Without colours, too."""
    assert "warning: dependency away" in shown("x", json.dumps({"level": "warning", "message": "dependency away"}))


def test_an_exception_keeps_its_lines_and_the_prefix() -> None:
    """A traceback can be told from that of another process."""
    line = json.dumps({"level": "error", "message": "unexpected error", "exception": "Traceback\n  line"})

    assert shown("gateway", line).splitlines()[1:] == ["gateway        │ Traceback", "gateway        │   line"]


def test_a_program_gets_every_line_as_it_came() -> None:
    """Not even the order of the fields changes."""
    line = '{"b": 1, "a": 2, "level": "info", "message": "m"}'

    assert shown("gateway", line, raw=True) == f"{line}\n"


def test_a_program_gets_json_also_for_lines_that_are_none() -> None:
    """What a server prints is wrapped, with the name of the process."""
    assert json.loads(shown("postgres", "something odd", raw=True)) == {
        "service": "postgres",
        "level": "info",
        "message": "something odd",
    }


@pytest.mark.parametrize(
    "everyday",
    [
        "2026-01-01 00:00:00.000 UTC [1] LOG:  database system is ready to accept connections",
        "1:M 01 Jan 2026 00:00:00.000 * Ready to accept connections tcp",
        "1:M 01 Jan 2026 00:00:00.000 # WARNING Memory overcommit must be enabled! Without it, ...",
        '2026-01-01 00:00:00.000 UTC [1] FATAL:  database "eloquent" does not exist',
    ],
)
def test_what_servers_say_every_day_is_for_the_curious(everyday: str) -> None:
    """Shown at DEBUG, not at INFO: an idle system prints nothing."""
    assert not shown("server", everyday)
    assert shown("server", everyday, level="DEBUG")


def test_a_service_that_starts_as_ever_is_for_the_curious() -> None:
    """The run says once that it is ready; the same words as a warning are shown."""
    line = {"level": "info", "message": "Application startup complete."}

    assert not shown("gateway", json.dumps(line))
    assert shown("gateway", json.dumps(line), level="DEBUG")
    assert shown("gateway", json.dumps({**line, "level": "warning"}))


def test_long_ids_are_for_the_curious() -> None:
    """A person is shown what an event is about, at DEBUG also its ids."""
    line = json.dumps({"level": "info", "message": "m", "event_id": "01a2", "chunks": 8})

    assert shown("x", line).endswith("m  chunks=8\n")
    assert "event_id=01a2" in shown("x", line, level="DEBUG")


@pytest.mark.parametrize(
    "trouble",
    [
        "2026-01-01 00:00:00.000 UTC [1] PANIC:  could not write to file",
        "1:M 01 Jan 2026 00:00:00.000 # Error writing to the AOF file: No space left on device",
    ],
)
def test_what_goes_wrong_in_a_server_is_shown(trouble: str) -> None:
    """As an error or a warning, also to whoever reads no INFO."""
    assert shown("server", trouble, level="WARNING")


def test_each_process_has_its_colour_and_keeps_it() -> None:
    """Two processes differ; a line of the first comes again in its colour."""
    out = io.StringIO()
    log = Log(out=out)
    for name in ("gateway", "history-api", "gateway"):
        log.line(name, "text")

    first, second, third = (line.split("m", 1)[0] for line in out.getvalue().splitlines())
    assert first == third != second
