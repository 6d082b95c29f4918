"""What a person sees of an upload, and which files a folder gives."""

import io
from pathlib import Path
from typing import Any

from deploy.local.upload import files_of
from deploy.local.upload_progress import Progress


def a_document(status: str, *, at: str = "2026-11-20T10:00:00Z", done: int = 0, total: int = 0) -> dict[str, Any]:
    failure = {"code": "no_text", "message": "There is no text in this file."} if status == "failed" else None
    progress = {"done": done, "total": total, "seconds_left": None}
    return {"id": "a", "status": status, "updated_at": at, "progress": progress, "failure": failure}


def test_names_in_folders_do_not_meet(tmp_path: Path) -> None:
    """Equal names in two folders are two documents; hidden files are none."""
    for name in ("a.md", "x/a.md", ".git/config", "x/.DS_Store"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("text")

    assert sorted(files_of([tmp_path])) == ["a.md", "x - a.md"]


def test_the_summary_gives_every_reason() -> None:
    """Refused at the door or failed later: each file is named with why."""
    progress = Progress({"a.md": 10, "b.gif": 5}, io.StringIO())
    progress.refuse("b.gif", "This is a picture.")
    progress.accepted("a.md", a_document("uploaded"))
    assert progress.waiting == ["a"]

    progress.changed(a_document("failed", at="2026-11-20T10:00:01Z"))

    assert progress.waiting == []
    assert progress.summary().splitlines() == [
        "0 of 2 files are searchable",
        "  a.md: There is no text in this file.",
        "  b.gif: This is a picture.",
    ]


def test_news_from_before_the_answer_counts() -> None:
    """An event that overtook the upload's own answer is not undone by it."""
    progress = Progress({"a.md": 10}, io.StringIO())
    progress.changed(a_document("searchable", at="2026-11-20T10:00:02Z"))

    progress.accepted("a.md", a_document("uploaded"))

    assert progress.waiting == []
    assert "1 of 1 searchable" in progress.line()
