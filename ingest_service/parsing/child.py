"""The process that touches a stranger's file, within limits that the kernel holds for each file, and then ends."""

import importlib
import math
import os
import resource
import signal
import socket
from pathlib import Path
from types import ModuleType

from ingest_service.chunking import Splitter, chunk
from ingest_service.parsing import sniff
from ingest_service.parsing.parsed import TextBuilder, UnreadableError
from ingest_service.parsing.wire import GONE, Chunked, Job, Limits, Outlined, Refused, framed

_PARSERS = {
    sniff.PLAIN: "plain",
    sniff.MARKDOWN: "markdown",
    sniff.HTML: "web",
    sniff.PDF: "pdf",
    sniff.DOCX: "word",
    sniff.PPTX: "slides",
    sniff.XLSX: "workbook",
    sniff.CSV: "delimited",
    sniff.JSON: "records",
    sniff.JSON_LINES: "json_lines",
    sniff.EML: "mail",
    sniff.EPUB: "book",
}
OPEN_FILES_MAX = 64
NICENESS = 10
"""Behind the worker's own heartbeat: a busy parser must not cost it its entries."""


def parser_of(media_type: str) -> ModuleType:
    """The module that parses this type; imported once, before the processes that use it are forked."""
    return importlib.import_module(f"ingest_service.parsing.{_PARSERS[media_type]}")


def limit(limits: Limits, *, files: int = 1) -> None:
    """From here on the kernel ends this process when it takes too much; it cannot write a file either.

    Args:
        limits: for one file.
        files: how many it may read at most, one after the other; `limit_file` begins each further one.
    """
    # The first of the two says why by its signal, the second kills.
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, files * (limits.cpu_seconds + 2)))
    for kind, value in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES_MAX),
    ):
        resource.setrlimit(kind, (value, value))
    # The default action of SIGALRM ends the process even inside a library that never returns.
    signal.setitimer(signal.ITIMER_REAL, limits.wall_seconds)
    os.nice(NICENESS)


def limit_file(limits: Limits) -> None:
    """The next file has all the processor time and wall-clock time that the first one had."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = math.ceil(usage.ru_utime + usage.ru_stime)
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (min(used + limits.cpu_seconds, most), most))
    signal.setitimer(signal.ITIMER_REAL, limits.wall_seconds)


def rest() -> None:
    """No file is being read: waiting for the next one takes as long as it takes."""
    signal.setitimer(signal.ITIMER_REAL, 0)


def read(job: Job, connection: socket.socket, *, limits: Limits, splitter: Splitter) -> None:
    """Send the file's outline and chunks, or the reason why there are none."""
    try:
        text = TextBuilder(max_characters=limits.max_characters)
        parser_of(job.media_type).parse(Path(job.path), text)
        parsed = text.finished()
        outlined = framed(Outlined(parsed.title, len(parsed.text)))
        if job.is_light:
            # Cut in a moment: one packet wakes the worker once.
            connection.sendall(outlined + framed(Chunked(chunk(parsed, splitter))))
        else:
            connection.sendall(outlined)
            connection.sendall(framed(Chunked(chunk(parsed, splitter))))
    except UnreadableError as error:
        connection.sendall(framed(_gone(job) or Refused(error.code, error.message)))
    except (MemoryError, RecursionError):
        connection.sendall(framed(TOO_DEMANDING))
    except ConnectionError:
        raise  # the worker is gone
    except (FileNotFoundError, NotADirectoryError):
        connection.sendall(framed(Refused(GONE, "")))
    except Exception:  # noqa: BLE001 - whatever a library raises about a stranger's bytes, the bytes are the reason
        damaged = Refused("damaged_file", "This file could not be read: it seems to be damaged.")
        connection.sendall(framed(_gone(job) or damaged))


def _gone(job: Job) -> Refused | None:
    """What to say instead of a reason when the folder of the blobs has gone: nothing was read that could be damaged.

    A library may say so in its own words, as of any file that it cannot read.
    """
    return None if Path(job.path).exists() else Refused(GONE, "")


TOO_DEMANDING = Refused(
    "too_demanding", "Reading this file takes more memory than we allow: split it or save it in a simpler form."
)
