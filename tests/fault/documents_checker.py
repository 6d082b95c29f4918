"""What is promised of documents, looked for in all that was seen of them."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID


class Sent(NamedTuple):
    """A version that was accepted; nobody can read a poisonous one."""

    number: int
    document_id: UUID
    version: int
    text: str
    is_poison: bool


class Look(NamedTuple):
    """A document at a moment: its latest version's status, the passages that questions find, and why it failed."""

    at: float
    document_id: UUID
    version: int
    status: str
    found: tuple[str, ...]
    code: str = ""


@dataclass
class History:
    """All that was done and seen.

    Attributes:
        deleted: when the deletion of a document was answered.
        most_under_way: documents of one owner that were under way at once.
        vectors: ids in the vector store when everything had ended.
        chunks: ids of the passages' rows then.
    """

    owners: list[UUID] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    deleted: dict[UUID, float] = field(default_factory=dict)
    most_under_way: int = 0
    vectors: set[UUID] = field(default_factory=set)
    chunks: set[UUID] = field(default_factory=set)


def violations(history: History, *, places: int, dead_letters: int = 0) -> list[str]:
    """What was broken of what is promised, one line each."""
    sent: dict[UUID, list[Sent]] = defaultdict(list)
    for one in history.sent:
        sent[one.document_id].append(one)
    looks: dict[UUID, list[Look]] = defaultdict(list)
    for look in history.looks:
        looks[look.document_id].append(look)
    broken: list[str] = []
    for id_, versions in sent.items():
        broken += _of_one(versions, looks[id_], history.deleted.get(id_))
    if history.most_under_way > places:
        broken.append(f"an owner had {history.most_under_way} documents under way, {places} places")
    if history.vectors != history.chunks:
        more, fewer = len(history.vectors - history.chunks), len(history.chunks - history.vectors)
        broken.append(f"{more} vectors without a passage, {fewer} passages without a vector")
    if dead_letters:
        broken.append(f"{dead_letters} dead letters")
    return broken


def _of_one(versions: list[Sent], looks: list[Look], deleted_at: float | None) -> Iterator[str]:
    name = f"document {versions[0].number}"
    if not looks and deleted_at is None:
        yield f"{name} was accepted and never seen"
        return
    wholes = {_bare(one.text): one.version for one in versions if not one.is_poison}
    newest = 0
    for look in looks:
        if deleted_at is not None and look.at > deleted_at:
            yield f"{name} is there after its deletion was answered"
            return
        version = wholes.get(_bare("".join(look.found)), 0)
        if look.found and not version:
            yield f"{name} was found in part: {len(look.found)} passages, {look.status}"
            return
        if version < newest:
            yield f"{name} was found in version {newest}, and then " + (f"in {version}" if version else "was not")
            return
        newest = version
    if deleted_at is None:
        yield from _of_its_end(name, versions, looks[-1], newest)


def _of_its_end(name: str, versions: list[Sent], last: Look, newest: int) -> Iterator[str]:
    wanted = max(one.version for one in versions)
    if versions[-1].is_poison:
        if last.status != "failed":
            yield f"{name} cannot be read, and is {last.status}"
    elif (last.status, newest) != ("searchable", wanted):
        yield f"{name} ended as {last.status} {last.code} with version {newest} of {wanted}"


def _bare(text: str) -> str:
    return "".join(text.split())
