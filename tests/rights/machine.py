"""Random people do random things; after each, everything that is shown is what the model says."""

import asyncio
from collections.abc import Awaitable
from itertools import count
from typing import Any, TypeVar
from uuid import UUID, uuid4

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from ingest_service.collections import Change
from libs.contracts.values import Principal
from libs.errors import RequestError
from tests.rights.model import Answer, Document, Made, Model, Outcome
from tests.rights.world import PAST_TURNS, World

T = TypeVar("T")

GROUPS = ("red", "blue")
PEOPLE = ("ann", "bob", "cat", "editor", "guest")
NAMES = ("a.txt", "b.txt")
QUESTIONS = ("transfer", "transfer limits")
"""Few, so that they are cached."""
_OUTCOMES: dict[int, Outcome] = {403: "forbidden", 404: "not_found"}

people = st.sampled_from(PEOPLE)
groups = st.sampled_from(GROUPS)


class RightsMachine(RuleBasedStateMachine):
    """One world, from nothing.

    Attributes:
        steps: that all machines took together.
    """

    steps = 0

    collections = Bundle("collections")
    documents = Bundle("documents")

    def __init__(self, world: World, runner: asyncio.Runner) -> None:
        super().__init__()
        self.world = world
        self.runner = runner
        self.model = Model()
        self.who: dict[str, Principal] = {}
        self.numbers = count(1)
        self.turns = count()

    @initialize(target=collections)
    def begin(self) -> Any:
        self.run(self.world.begin_anew())
        self.who = {name: Principal(user_id=uuid4(), is_guest=name == "guest") for name in PEOPLE}
        self._join("ann", "red")
        self._join("guest", "red")
        self._join("editor", "editors")
        team = self._make("ann", public=False, group="red", access="read")
        own = [f"user-{who.user_id}" for who in self.who.values() if not who.is_guest]
        # Something to find from the first step on.
        for name, collection in (("editor", "public"), ("ann", str(team)), ("bob", f"user-{self.who['bob'].user_id}")):
            self._upload(name, collection, NAMES[0])
        self.index()
        return multiple("public", team, *own)

    # What people do.

    @rule(name=people, group=groups)
    def join_or_leave(self, name: str, group: str) -> None:
        """From the next token on."""
        self._join(name, group)

    @rule(
        target=collections, name=people, public=st.booleans(), group=groups, access=st.sampled_from(["read", "write"])
    )
    def make(self, name: str, public: bool, group: str, access: Any) -> Any:  # noqa: FBT001 - hypothesis gives keywords
        made = self._make(name, public=public, group=group, access=access)
        return multiple() if made is None else made

    @rule(name=people, collection=collections, group=groups, access=st.sampled_from(["read", "write", None]))
    def grant_or_revoke(self, name: str, collection: str, group: str, access: Any) -> None:
        let_in = None if access is None else group
        if self._changes(name, collection, Change(groups={group: access}), group=let_in):
            grants = self.model.made[collection].grants
            grants.pop(group, None)
            if access is not None:
                grants[group] = access

    @rule(name=people, collection=collections, public=st.booleans())
    def open_or_close(self, name: str, collection: str, public: bool) -> None:  # noqa: FBT001 - as above
        if self._changes(name, collection, Change(public=public), public=public):
            self.model.made[collection].public = public

    @rule(name=people, collection=collections, clears=st.booleans())
    def delete_collection(self, name: str, collection: str, clears: bool) -> None:  # noqa: FBT001 - as above
        who = self.who[name]
        expected = self.model.change(who, collection)
        self._does(self.world.library.collections.delete(who, collection), expected)
        if expected == "done":
            del self.model.made[collection]
            gone = [id_ for id_, found in self.model.documents.items() if found.collection == collection]
            for document_id in gone:
                del self.model.documents[document_id]
        if clears:
            self.run(self.world.library.clearing.clear_all())

    @rule(target=documents, name=people, collection=collections, file=st.sampled_from(NAMES), indexed=st.booleans())
    def upload(self, name: str, collection: str, file: str, indexed: bool) -> Any:  # noqa: FBT001 - as above
        """Of a name that is there already it is a new version."""
        new = self._upload(name, collection, file)
        if indexed:
            self.index()
        return multiple() if new is None else new

    @rule()
    def index(self) -> None:
        self.run(self.world.library.index_all())
        for document in self.model.documents.values():
            if document.waiting is not None:
                document.text, document.searchable, document.waiting = document.waiting, document.version, None

    @rule(name=people, document_id=documents)
    def delete_document(self, name: str, document_id: UUID) -> None:
        who = self.who[name]
        expected = self.model.delete_document(who, document_id)
        self._does(self.world.library.documents.delete(document_id, who), expected)
        if expected == "done":
            del self.model.documents[document_id]

    # What people see.

    @rule(name=people, question=st.sampled_from(QUESTIONS), stored=st.booleans())
    def ask(self, name: str, question: str, stored: bool) -> None:  # noqa: FBT001 - as above
        who = self.who[name]
        passages = self.run(self.world.ask(who, question))
        assert {passage.text for passage in passages} == self.model.found_by(who)
        if stored:
            answer = Answer(
                f"answer {next(self.numbers)}",
                tuple((passage.document_id, passage.version, passage.text) for passage in passages),
            )
            past = self.model.answers.setdefault(who.user_id, [])
            told = self.run(self.world.answered(who, answer.text, passages))
            assert told == [old.text for old in past[-PAST_TURNS:] if self._is_readable(who, old)]
            past.append(answer)

    @rule(name=people)
    def read_history(self, name: str) -> None:
        who = self.who[name]
        shown = [
            [(citation.availability, citation.quote, bool(citation.title)) for citation in citations]
            for citations in self.run(self.world.history(who))
        ]
        assert shown == [
            [self._shown(who, *cited) for cited in answer.cites] for answer in self.model.answers.get(who.user_id, [])
        ]

    @rule(name=people, document_id=documents)
    def read_documents(self, name: str, document_id: UUID) -> None:
        who = self.who[name]
        expected: Outcome = "done" if self.model.reads_document(who, document_id) else "not_found"
        self._does(self.world.library.documents.read(document_id, who), expected)
        listed = self.run(self.world.library.documents.list(who, status=None, before=None, limit=1000))
        assert {found.document_id for found in listed} == {
            known for known in self.model.documents if self.model.reads_document(who, known)
        }

    @rule(name=people)
    def list_collections(self, name: str) -> None:
        who, roles = self.who[name], self.world.library.roles
        listed = self.run(self.world.library.collections.list(who, before=None, limit=1000))
        own = f"user-{who.user_id}"
        readable = {"public", own, *(made for made in self.model.made if self.model.reads(who, made))}
        assert {found.collection for found in listed} == readable
        for found in listed:
            assert roles.writes(who, found) == (self.model.upload(who, found.collection) == "done")
            assert roles.manages(who, found) == (self.model.change(who, found.collection) == "done")

    def run(self, work: Awaitable[T]) -> T:
        """The result of a coroutine; a step is what does at least one."""

        async def wait() -> T:
            return await work

        return self.runner.run(wait())

    def _does(self, work: Awaitable[T], expected: Outcome) -> T | None:
        """What it returned; it must end as the model says."""
        outcome: Outcome = "done"
        result: T | None
        try:
            result = self.run(work)
        except RequestError as error:
            result, outcome = None, _OUTCOMES[error.status]
        assert outcome == expected
        return result

    def _changes(self, name: str, collection: str, change: Change, **opens: Any) -> bool:
        who = self.who[name]
        expected = self.model.change(who, collection, **opens)
        self._does(self.world.library.collections.change(who, collection, change), expected)
        return expected == "done"

    def _make(self, name: str, *, public: bool, group: str, access: Any) -> str | None:
        who = self.who[name]
        expected = self.model.make(who, public=public, group=group)
        change = Change(name="Some", public=public, groups={group: access})
        making = self.world.library.collections.make(who, change, idempotency_key=None, fingerprint="")
        made = self._does(making, expected)
        if made is None:
            return None
        self.model.made[made.collection] = Made(who.user_id, public, {group: access})
        return made.collection

    def _upload(self, name: str, collection: str, file: str) -> UUID | None:
        """The document, if it is a new one."""
        who, number = self.who[name], next(self.numbers)
        text = "transfer " + " ".join(f"word{number}x{part}" for part in range(6))
        uploading = self.world.library.add(text, by=who, name=file, collection=collection)
        stored = self._does(uploading, self.model.upload(who, collection))
        if stored is None:
            return None
        known = self.model.documents.get(stored.document_id)
        document = known or Document(who.user_id, collection, file, 0, None)
        assert (document.uploader, document.collection, document.name) == (who.user_id, collection, file)
        document.version, document.waiting = document.version + 1, text
        self.model.documents[stored.document_id] = document
        return None if known else stored.document_id

    def _join(self, name: str, group: str) -> None:
        who = self.who[name]
        self.who[name] = who.model_copy(update={"groups": tuple(sorted({group} ^ set(who.groups)))})

    def _is_readable(self, who: Principal, answer: Answer) -> bool:
        return all(self.model.reads_document(who, document_id) for document_id, _, _ in answer.cites)

    def _shown(self, who: Principal, document_id: UUID, version: int, quote: str) -> tuple[str, str, bool]:
        if not self.model.reads_document(who, document_id):
            return ("withheld", "", False)
        is_current = self.model.documents[document_id].searchable == version
        return ("available" if is_current else "replaced", quote, True)

    @invariant()
    def look(self) -> None:
        """After each step somebody else sees what the model says."""
        RightsMachine.steps += 1
        turn = next(self.turns)
        name = PEOPLE[turn % len(PEOPLE)]
        if name in self.who:
            self.ask(name, QUESTIONS[turn % len(QUESTIONS)], stored=turn % 4 == 0)
            self.read_history(name)
