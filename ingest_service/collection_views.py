"""Collections as the API shows and takes them."""

import base64
import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from ingest_service.collections import GRANTS_MAX, Change
from ingest_service.parsing.parsed import clean
from ingest_service.rights import Access, Roles
from ingest_service.rights import Collection as Stored
from libs.contracts.values import PUBLIC_COLLECTION, Principal
from libs.errors import RequestError

NAME_MAX_CHARACTERS = 200
GROUP_MAX_CHARACTERS = 128
"""Cognito's limit."""
CURSOR_MAX_CHARACTERS = 64
_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ID = re.compile(f"{PUBLIC_COLLECTION}|(?:user-)?{_UUID}")


def _visible(name: str) -> str:
    folded = " ".join(clean(name).split())
    if not any(character.isprintable() and not character.isspace() for character in folded):
        raise ValueError("a name has at least one visible character")
    return folded


def _group(name: str) -> str:
    # Cognito's pattern: letters, marks, symbols, numbers and punctuation.
    if not name.isprintable() or " " in name:
        raise ValueError("a group's name has no spaces and no control characters")
    return name


Name = Annotated[str, Field(min_length=1, max_length=NAME_MAX_CHARACTERS), AfterValidator(_visible)]
Group = Annotated[str, Field(min_length=1, max_length=GROUP_MAX_CHARACTERS), AfterValidator(_group)]


class May(BaseModel):
    """What the caller may do with a collection beside reading it."""

    upload: bool = Field(description="Add documents, and delete those that others added")
    manage: bool = Field(description="Rename it, delete it, change who reads it")


class Collection(BaseModel):
    """Documents with one access rule, which the caller may read."""

    id: str = Field(description="For `collection` of an upload and of a list of documents")
    kind: Literal["public", "own", "shared"] = Field(
        description="The one everybody has, the caller's own that nobody else reads, or one that somebody made"
    )
    name: str
    public: bool = Field(description="Everybody reads it, guests too")
    mine: bool = Field(description="The caller is its owner")
    groups: dict[str, Access] | None = Field(
        description="What members of Cognito groups may do; null for who may not change it"
    )
    may: May
    created_at: datetime | None = Field(description="Null for what nobody had to make")
    updated_at: datetime | None


class CollectionPage(BaseModel):
    """The caller's own collection, the public one, then the others, newest first."""

    items: list[Collection]
    next_cursor: str | None


class NewCollection(BaseModel):
    """A collection to be made; without groups and not public, only its owner reads it."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    public: bool = Field(False, strict=True, description="For editors")
    groups: dict[Group, Access] = Field({}, max_length=GRANTS_MAX, description="Who else reads it, or adds to it too")

    def change(self) -> Change:
        """What is to be true of it."""
        return Change(name=self.name, public=self.public, groups=self.groups)


class CollectionPatch(BaseModel):
    """What is to change, as a JSON merge patch (RFC 7396): a group with `null` may nothing any more."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    public: bool | None = Field(None, strict=True, description="True is for editors")
    groups: dict[Group, Access | None] = Field({}, max_length=GRANTS_MAX)

    def change(self) -> Change:
        """What is to be different."""
        return Change(name=self.name, public=self.public, groups=self.groups)


def collection_of(stored: Stored, *, caller: Principal, roles: Roles) -> Collection:
    """The collection as a caller sees it."""
    manages = roles.manages(caller, stored)
    kind: Literal["public", "own", "shared"] = "shared"
    if not stored.is_made:
        kind = "public" if stored.is_public else "own"
    return Collection(
        id=stored.collection,
        kind=kind,
        name=stored.name,
        public=stored.is_public,
        mine=stored.owner_id == caller.user_id,
        groups=dict(stored.grants) if manages else None,
        may=May(upload=roles.writes(caller, stored), manage=manages),
        created_at=stored.created_at,
        updated_at=stored.updated_at,
    )


def encode_collection_cursor(last: str) -> str:
    """The place after this collection."""
    return base64.urlsafe_b64encode(last.encode()).decode().rstrip("=")


def decode_collection_cursor(text: str) -> str:
    """What `encode_collection_cursor` was given.

    Raises:
        RequestError: 422 `invalid_cursor`.
    """
    try:
        last = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("ascii")
    except ValueError:
        last = ""
    if not _ID.fullmatch(last):
        raise RequestError(
            "Take `cursor` from `next_cursor` of the page before, or leave it out.", status=422, code="invalid_cursor"
        )
    return last
