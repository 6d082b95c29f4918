"""Lines of many processes as one log: for a person with names and colours, for a program as they came."""

import json
import re
import sys
from dataclasses import dataclass, field
from typing import Any, TextIO

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
NAME_WIDTH = 14

_RESET, _DIM, _RED, _YELLOW = "\x1b[0m", "\x1b[2m", "\x1b[31m", "\x1b[33m"
_COLOURS = ("\x1b[36m", "\x1b[35m", "\x1b[34m", "\x1b[32m", "\x1b[96m", "\x1b[95m", "\x1b[94m", "\x1b[92m")
_LEFT_OUT = {"level", "message", "event", "timestamp", "service", "exception"}
_FOR_PROGRAMS = {"trace_id", "event_id", "entry_id", "stream"}
"""Fields that a person at a terminal is shown at DEBUG only: they are longer than what they belong to."""

# 2026-01-01 00:00:00.000 UTC [1] LOG:  message
_POSTGRES = re.compile(r"^\d{4}-\d\d-\d\d [\d:.]+ \w+ \[\d+\] (?P<level>[A-Z0-9]+): +(?P<message>.*)$")
_POSTGRES_LEVELS = {"WARNING": "warning", "ERROR": "error", "FATAL": "error", "PANIC": "critical"}
# 1:M 01 Jan 2026 00:00:00.000 * message
_VALKEY = re.compile(r"^\d+:[A-Z] \d+ \w+ \d{4} [\d:.]+ (?P<level>[.\-*#]) (?P<message>.*)$")
# What these servers say at every start and stop, at a level that would make it look important.
_EVERYDAY = re.compile(
    r"Memory overcommit must be enabled|ready to exit, bye bye|received SIGTERM scheduling shutdown"
    r"|terminating connection due to administrator command|the database system is (starting up|shutting down)"
    r'|database "eloquent" does not exist',
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Line:
    """One line of a process, understood as far as it can be."""

    level: str
    message: str
    fields: dict[str, Any] = field(default_factory=dict)
    exception: str = ""


# What the web server says of itself at every start, stop and connection; the run says it once for all.
_HOUSEKEEPING = re.compile(
    r"(Started|Finished) server process|(Waiting for )?application (startup|shutdown)|Uvicorn running on|Shutting down"
    r"|connection (open|closed)$|WebSocket /\S*\" \[accepted\]",
    re.IGNORECASE,
)


def parse(text: str) -> Line:
    """The line's level and message; a line of no known shape is information as it stands."""
    if text.startswith("{"):
        try:
            content = json.loads(text)
        except ValueError:
            content = None
        if isinstance(content, dict):
            level, message = str(content.get("level", "info")), str(content.get("message", content.get("event", "")))
            return Line(
                level="debug" if level == "info" and _HOUSEKEEPING.search(message) else level,
                message=message,
                fields={name: value for name, value in content.items() if name not in _LEFT_OUT},
                exception=str(content.get("exception", "")),
            )
    if _EVERYDAY.search(text):
        return Line("debug", text)
    if found := _POSTGRES.match(text):
        return Line(_POSTGRES_LEVELS.get(found["level"], "debug"), found["message"])
    if found := _VALKEY.match(text):
        return Line("warning" if found["level"] == "#" else "debug", found["message"])
    return Line("info", text)


class Log:
    """Where all lines of a run go.

    Args:
        level: the least severe level that a person is shown.
        raw: pass every line on as it came, for a program that reads it; else a person does.
        colour: set names and levels apart by colour.
    """

    def __init__(
        self, *, level: str = "INFO", raw: bool = False, colour: bool = True, out: TextIO = sys.stdout
    ) -> None:
        self._least = LEVELS.get(level.lower(), LEVELS["info"])
        self.raw = raw
        self._colour = colour
        self._out = out
        self._names: dict[str, str] = {}

    def line(self, name: str, text: str) -> None:
        """One line of the process `name`."""
        if not text:
            return
        if self.raw and text.startswith("{"):
            self._write(text)
            return
        self.show(name, parse(text))

    def say(self, message: str, *, level: str = "info", **fields: Any) -> None:
        """A line of the run itself."""
        self.show("run", Line(level, message, fields))

    def show(self, name: str, line: Line) -> None:
        """The line, if it is important enough."""
        if LEVELS.get(line.level, LEVELS["info"]) < self._least:
            return
        if self.raw:
            self._write(json.dumps({"service": name, "level": line.level, "message": line.message, **line.fields}))
            return
        mark = {"warning": _YELLOW, "error": _RED, "critical": _RED}.get(line.level, "")
        left_out = _FOR_PROGRAMS if self._least > LEVELS["debug"] else set()
        facts = " ".join(f"{key}={_brief(value)}" for key, value in line.fields.items() if key not in left_out)
        label = f"{line.level}: " if mark else ""
        text = self._paint(mark, f"{label}{line.message}") + (f"  {self._paint(_DIM, facts)}" if facts else "")
        prefix = self._paint(self._colour_of(name), f"{name:<{NAME_WIDTH}} │")
        for part in [text, *line.exception.splitlines()]:
            self._write(f"{prefix} {part}")

    def plain(self, text: str) -> None:
        """Text for a person, as it is."""
        self._write(text)

    def _colour_of(self, name: str) -> str:
        return self._names.setdefault(name, _COLOURS[len(self._names) % len(_COLOURS)])

    def _paint(self, colour: str, text: str) -> str:
        return f"{colour}{text}{_RESET}" if colour and self._colour else text

    def _write(self, text: str) -> None:
        self._out.write(f"{text}\n")
        self._out.flush()


def _brief(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return value if isinstance(value, str) and value and not re.search(r"\s", value) else json.dumps(value, default=str)
