"""Who may do what, in plain Python and without a cache: what the services are compared with."""

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from libs.contracts.values import Principal

Outcome = Literal["done", "forbidden", "not_found"]


@dataclass
class Made:
    """A collection that somebody made."""

    owner: UUID
    public: bool
    grants: dict[str, str] = field(default_factory=dict)


@dataclass
class Document:
    """A document; `text` is what questions find, `waiting` what they will when it is indexed."""

    uploader: UUID
    collection: str
    name: str
    version: int
    waiting: str | None
    text: str | None = None
    searchable: int | None = None


@dataclass(frozen=True)
class Answer:
    """A stored answer, and the document, version and quote of each of its citations."""

    text: str
    cites: tuple[tuple[UUID, int, str], ...]


class Model:
    """The truth. Names of groups, collections and documents mean what they mean to the services."""

    def __init__(self) -> None:
        self.made: dict[str, Made] = {}
        self.documents: dict[UUID, Document] = {}
        self.answers: dict[UUID, list[Answer]] = {}

    def reads(self, who: Principal, collection: str) -> bool:
        if collection in {"public", f"user-{who.user_id}"}:
            return True
        made = self.made.get(collection)
        if made is None:
            return False
        groups = set() if who.is_guest else set(who.groups)
        return made.public or made.owner == who.user_id or bool(groups & made.grants.keys())

    def reads_document(self, who: Principal, document_id: UUID) -> bool:
        document = self.documents.get(document_id)
        return document is not None and self.reads(who, document.collection)

    def found_by(self, who: Principal) -> set[str]:
        """The texts of all passages that a question of theirs may be answered from."""
        return {
            document.text
            for document in self.documents.values()
            if document.text is not None and self.reads(who, document.collection)
        }

    def upload(self, who: Principal, collection: str) -> Outcome:
        if who.is_guest:
            return "forbidden"
        if not self.reads(who, collection):
            return "not_found"
        return "done" if self._writes(who, collection) else "forbidden"

    def delete_document(self, who: Principal, document_id: UUID) -> Outcome:
        if not self.reads_document(who, document_id):
            return "not_found"
        document = self.documents[document_id]
        may = document.uploader == who.user_id or self._writes(who, document.collection)
        return "done" if may else "forbidden"

    def make(self, who: Principal, *, public: bool, group: str) -> Outcome:
        return "forbidden" if who.is_guest or not self._opens(who, public=public, group=group) else "done"

    def change(
        self, who: Principal, collection: str, *, public: bool | None = None, group: str | None = None
    ) -> Outcome:
        """Anything about the collection; `group` is one that is let in."""
        if not self.reads(who, collection):
            return "not_found"
        made = self.made.get(collection)
        manages = made is not None and (made.owner == who.user_id or (made.public and _edits(who)))
        return "done" if manages and self._opens(who, public=bool(public), group=group) else "forbidden"

    def _opens(self, who: Principal, *, public: bool, group: str | None) -> bool:
        return _edits(who) or not (public or (group is not None and group not in who.groups))

    def _writes(self, who: Principal, collection: str) -> bool:
        if who.is_guest:
            return False
        made = self.made.get(collection)
        if collection == "public" or (made is not None and made.public):
            return _edits(who)
        if made is None:
            return collection == f"user-{who.user_id}"
        return made.owner == who.user_id or any(made.grants.get(group) == "write" for group in who.groups)


def _edits(who: Principal) -> bool:
    return "editors" in who.groups and not who.is_guest
