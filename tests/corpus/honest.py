"""Files as people have them, of every format, each a little different."""

import csv
import io
import json
from collections.abc import Callable
from email.message import EmailMessage
from html import escape
from random import Random

from tests.corpus.archives import a_pptx, a_word_file, an_epub, an_xlsx
from tests.unit.ingest.files import a_pdf

_WORDS = (
    *("account", "card", "transfer", "limit", "fee", "month", "customer", "Gebäude", "café", "naïve", "branch", "cash"),
    *(
        "interest",
        "payment",
        "abroad",
        "statement",
        "Überweisung",
        "sign",
        "within",
        "three",
        "days",
        "free",
        "€",
        "of",
    ),
)


class Writer:
    """Writes texts by chance; the same seed writes the same."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def number(self, least: int, most: int) -> int:
        return self._random.randint(least, most)

    def name(self) -> str:
        return self._random.choice(_WORDS).capitalize()

    def sentence(self) -> str:
        words = self._random.choices(_WORDS, k=self.number(4, 16))
        return " ".join(words).capitalize() + "."

    def paragraph(self) -> str:
        return " ".join(self.sentence() for _ in range(self.number(1, 6)))

    def paragraphs(self) -> list[str]:
        return [self.paragraph() for _ in range(self.number(1, 12))]

    def table(self) -> list[list[str]]:
        width = self.number(2, 12)
        rows = [[str(self.number(1, 9_999)) for _ in range(width)] for _ in range(self.number(1, 30))]
        return [[f"{self.name()} {column}" for column in range(width)], *rows]


def _text(writer: Writer) -> bytes:
    encoding = ("utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1")[writer.number(0, 4)]
    return "\n\n".join(writer.paragraphs()).encode(encoding, errors="ignore")


def _markdown(writer: Writer) -> bytes:
    header, *rows = writer.table()
    table = "\n".join(f"| {' | '.join(row)} |" for row in [header, ["---"] * len(header), *rows])
    sections = "\n\n".join(f"## {writer.name()}\n\n{paragraph}" for paragraph in writer.paragraphs())
    return f"# {writer.name()}\n\n{sections}\n\n{table}\n\n- {writer.sentence()}\n".encode()


def _body(writer: Writer) -> str:
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in writer.table())
    text = "".join(f"<h2>{writer.name()}</h2><p>{escape(paragraph)}</p>" for paragraph in writer.paragraphs())
    return f"<h1>{writer.name()}</h1>{text}<table>{rows}</table>"


def _html(writer: Writer) -> bytes:
    return f"<!doctype html><html><title>{writer.name()}</title><body><nav>Home</nav>{_body(writer)}</html>".encode()


def _pdf(writer: Writer) -> bytes:
    pages = [writer.paragraph().replace("€", "EUR") for _ in range(writer.number(1, 5))]
    return a_pdf(*pages, title=writer.name(), outline=writer.number(0, 1) == 1)


def _docx(writer: Writer) -> bytes:
    rows = "".join(
        f"<w:tr>{''.join(f'<w:tc><w:p><w:r><w:t>{escape(cell)}</w:t></w:r></w:p></w:tc>' for cell in row)}</w:tr>"
        for row in writer.table()
    )
    text = "".join(
        f'<w:p><w:r><w:t>{escape(paragraph)}</w:t></w:r><w:r><w:footnoteReference w:id="1"/></w:r></w:p>'
        for paragraph in writer.paragraphs()
    )
    return a_word_file(f"{text}<w:tbl>{rows}</w:tbl>", notes={1: writer.sentence()})


def _pptx(writer: Writer) -> bytes:
    return a_pptx(
        *((writer.name(), writer.paragraphs(), writer.table(), writer.sentence()) for _ in range(writer.number(1, 9)))
    )


def _xlsx(writer: Writer) -> bytes:
    return an_xlsx(**{f"Sheet {number}": writer.table() for number in range(writer.number(1, 4))})


def _csv(writer: Writer) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=",;\t|"[writer.number(0, 3)]).writerows(writer.table())
    return buffer.getvalue().encode()


def _records(writer: Writer) -> list[dict[str, object]]:
    return [
        {
            "name": writer.name(),
            "text": writer.paragraph(),
            "tags": [writer.name()],
            "more": {"count": writer.number(0, 9)},
        }
        for _ in range(writer.number(1, 20))
    ]


def _json(writer: Writer) -> bytes:
    return json.dumps({"title": writer.name(), "items": _records(writer)}, ensure_ascii=False).encode()


def _json_lines(writer: Writer) -> bytes:
    return "\n".join(json.dumps(record) for record in _records(writer)).encode()


def _eml(writer: Writer) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@bank.example", "b@bank.example", writer.sentence()
    mail["Date"], mail["Message-ID"] = "Mon, 23 Nov 2026 10:00:00 +0000", "<1@bank.example>"
    mail.set_content("\n\n".join(writer.paragraphs()))
    if writer.number(0, 1):
        mail.add_alternative(f"<html><body>{_body(writer)}</body></html>", subtype="html")
    if writer.number(0, 1):
        mail.add_attachment(b"\x00\x01", maintype="application", subtype="pdf", filename="Gebühren.pdf")
    return mail.as_bytes()


def _epub(writer: Writer) -> bytes:
    return an_epub(writer.name(), *(_body(writer) for _ in range(writer.number(1, 6))))


HONEST: dict[str, Callable[[Writer], bytes]] = {
    ".txt": _text,
    ".md": _markdown,
    ".html": _html,
    ".pdf": _pdf,
    ".docx": _docx,
    ".pptx": _pptx,
    ".xlsx": _xlsx,
    ".csv": _csv,
    ".json": _json,
    ".jsonl": _json_lines,
    ".eml": _eml,
    ".epub": _epub,
}
