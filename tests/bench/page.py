"""The page of figures: each bench writes its own section and leaves the others'."""

import re
from pathlib import Path

_SECTION = re.compile(r"^<!-- section (\w+) -->\n", re.MULTILINE)
HEAD = ""
"""The name of what stands before all sections."""


def put(path: Path, name: str, text: str) -> None:
    """The section has this text; a new one is the page's last."""
    head, *rest = _SECTION.split(path.read_text()) if path.exists() else [""]
    sections = {HEAD: head, **dict(zip(rest[::2], rest[1::2], strict=True))}
    sections[name] = text
    parts = [(f"<!-- section {key} -->\n" if key else "") + value.strip("\n") + "\n" for key, value in sections.items()]
    path.write_text("\n".join(parts))
