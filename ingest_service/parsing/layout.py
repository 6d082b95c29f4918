"""The order in which a page is read, by where its pieces stand: columns one after the other, tables row by row."""

from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple

PROSE_CHARACTERS = 25
"""Lines of a column of text are longer than this, cells of a table are mostly shorter."""
COLUMN_LINES_MIN = 4
"""So many lines side by side make columns; fewer may be a letterhead."""
GUTTER_MIN_HEIGHTS = 1.0
"""A gap as wide as the line is high stands between cells or columns; between words it is narrower."""
TIGHT_HEIGHTS = 0.6
"""Lines of one cell stand closer to each other than this."""

CLOSE_HEIGHTS = 1.5
"""A lone line that stands so close below a table, and not at its left edge, belongs to it."""
BESIDE_HEIGHTS = 0.2
"""Nothing that stands on a line of its own is so close to another one."""


class Piece(NamedTuple):
    """Some text on one line; the origin is at the bottom left."""

    left: float
    bottom: float
    right: float
    top: float
    text: str = ""

    @property
    def height(self) -> float:
        """Of its letters."""
        return self.top - self.bottom


Line = list[Piece]


class Lines(NamedTuple):
    """Lines of running text.

    Attributes:
        longest: characters of the longest line of their column, which may stand elsewhere in it.
    """

    lines: list[str]
    longest: int


class Rows(NamedTuple):
    """A table; all rows have the same number of cells."""

    rows: list[list[str]]


def has_structure(boxes: Iterable[Piece]) -> bool:
    """Whether lines have wide gaps in them, so that their order is worth a thought; texts are not looked at."""
    return sum(len(line) > 1 for line in _lines(boxes)) > 1


def ordered(pieces: Iterable[Piece]) -> list[Lines | Rows]:
    """The page's parts in reading order."""
    lines = _lines(pieces)
    gutter = _gutter(lines)
    if gutter is None:
        return _parts(lines)
    parts: list[Lines | Rows] = []
    sides: tuple[Line, Line] = ([], [])
    for line in lines:
        if any(piece.left < gutter < piece.right for piece in line):
            parts += [*_both(sides), *_parts([line])]
            sides = ([], [])
        else:
            for piece in line:
                sides[piece.left > gutter].append(piece)
    return parts + _both(sides)


def _both(sides: tuple[Line, Line]) -> list[Lines | Rows]:
    return [part for side in sides if side for part in ordered(side)]


def _lines(pieces: Iterable[Piece]) -> list[Line]:
    """Pieces on one height, from left to right, those without a wide gap between them joined; lines from the top."""
    lines: list[Line] = []
    for piece in sorted(pieces, key=lambda piece: -(piece.top + piece.bottom)):
        line = lines[-1] if lines else []
        if line and (piece.top + piece.bottom) / 2 >= line[0].bottom and piece.top <= line[0].top + piece.height:
            line.append(piece)
        else:
            lines.append([piece])
    return [_joined(line) for line in lines]


def _joined(line: Line) -> Line:
    line.sort()
    joined = [line[0]]
    for piece in line[1:]:
        last = joined[-1]
        if piece.left - last.right >= GUTTER_MIN_HEIGHTS * max(last.height, piece.height):
            joined.append(piece)
            continue
        space = "" if last.text[-1:].isspace() or piece.text[:1].isspace() else " "
        if piece.left - last.right < last.height * 0.15:
            space = ""
        joined[-1] = Piece(
            last.left,
            min(last.bottom, piece.bottom),
            max(last.right, piece.right),
            max(last.top, piece.top),
            f"{last.text}{space}{piece.text}",
        )
    return joined


def _gutter(lines: list[Line]) -> float | None:
    """Where two columns of text are parted; None when there are none."""
    gaps = [
        (line[0].right, line[1].left)
        for line in lines
        if len(line) > 1 and min(len(line[0].text), len(line[1].text)) >= PROSE_CHARACTERS
    ]
    if len(gaps) < COLUMN_LINES_MIN:
        return None
    # Lines of a column end where they like but begin in one place.
    begins = median(left for _, left in gaps)
    ends = [right for right, left in gaps if right < begins and abs(left - begins) < begins - right]
    return (max(ends) + begins) / 2 if len(ends) >= COLUMN_LINES_MIN else None


def _parts(lines: list[Line]) -> list[Lines | Rows]:
    parts: list[Lines | Rows] = []
    running = Lines([], 0)
    longest = max(sum(len(piece.text) for piece in line) for line in lines)
    at = 0
    while at < len(lines):
        end = _table_end(lines, at)
        rows = _rows(lines[at:end]) if end > at + 1 else None
        if rows is not None:
            parts.append(Rows(rows))
            at = end
            continue
        if not parts or isinstance(parts[-1], Rows):
            running = Lines([], longest)
            parts.append(running)
        running.lines.append("  ".join(piece.text.strip() for piece in lines[at]))
        at += 1
    return parts


def _table_end(lines: list[Line], begin: int) -> int:
    """One past the last of the lines from `begin` on that have several cells, or go on in a cell of such a line."""
    end = at = begin
    while at < len(lines):
        line = lines[at]
        if len(line) > 1:
            end = at + 1
        elif at == begin or line[0].left < min(piece.left for piece in lines[begin]) + line[0].height:
            break
        elif end == at and _gap(lines[at - 1], line) < CLOSE_HEIGHTS * line[0].height:
            end = at + 1
        at += 1
    return end


def _gap(above: Line, line: Line) -> float:
    return min(piece.bottom for piece in above) - max(piece.top for piece in line)


def _rows(lines: list[Line]) -> list[list[str]] | None:
    columns = _columns([piece for line in lines for piece in line])
    if len(columns) <= 1:
        return None
    rows: list[list[str]] = []
    above: tuple[Line, list[str]] | None = None
    for line in lines:
        row = [""] * len(columns)
        for piece in line:
            place = next(place for place, (_, right) in enumerate(columns) if piece.left <= right)
            row[place] = f"{row[place]} {piece.text.strip()}".strip()
        if above is not None and _goes_on(above, (line, row), rows[-1]):
            rows[-1] = [f"{upper} {lower}".strip() for upper, lower in zip(rows[-1], row, strict=True)]
        else:
            rows.append(row)
        above = line, row
    return rows


def _columns(pieces: list[Piece]) -> list[tuple[float, float]]:
    """The stretches of the width in which something stands."""
    columns: list[tuple[float, float]] = []
    for piece in sorted(pieces):
        if columns and piece.left <= columns[-1][1]:
            columns[-1] = (columns[-1][0], max(columns[-1][1], piece.right))
        else:
            columns.append((piece.left, piece.right))
    return columns


def _goes_on(above: tuple[Line, list[str]], below: tuple[Line, list[str]], upper: Sequence[str]) -> bool:
    """Whether a line is more of the row above: beside it, as a cell in mid-height is, or close with no first cell."""
    gap, height = _gap(above[0], below[0]), below[0][0].height
    if gap < BESIDE_HEIGHTS * height and not any(map(all, zip(above[1], below[1], strict=True))):
        return True
    return (
        gap < TIGHT_HEIGHTS * height
        and not below[1][0]
        and all(over for over, under in zip(upper, below[1], strict=True) if under)
    )


def has_header(rows: list[list[str]]) -> bool:
    """Whether the first row names the columns: every one, with words."""
    return len(rows) > 1 and all(cell and not any(character.isdigit() for character in cell) for cell in rows[0])


def is_upright(boxes: Sequence[Piece]) -> bool:
    """Whether the text runs from left to right; letters one above the other make boxes higher than wide."""
    upright = sum(box.right - box.left >= box.height for box in boxes)
    return 2 * upright >= len(boxes)


def turned(box: Piece, *, rotation: int, width: float, height: float) -> Piece:
    """The box as it stands when its page is shown turned.

    Args:
        box: in the page's own coordinates.
        rotation: clockwise, in degrees: 0, 90, 180 or 270.
        width: of the page before it is turned.
        height: likewise.
    """
    left, bottom, right, top, text = box
    match rotation:
        case 90:
            return Piece(bottom, width - right, top, width - left, text)
        case 180:
            return Piece(width - right, height - top, width - left, height - bottom, text)
        case 270:
            return Piece(height - top, left, height - bottom, right, text)
        case _:
            return box
