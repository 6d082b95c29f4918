"""Who may do what with a collection and its documents (ADR 0024)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from libs.contracts.values import Principal
from libs.errors import RequestError

Access = Literal["read", "write"]
"""What a group may do; who may write may read."""


class Collection(NamedTuple):
    """A collection as rights see it.

    Attributes:
        owner_id: None for the public collection, which is nobody's.
        is_made: by somebody, so that it has a row; `public` and everyone's own have none.
        grants: what Cognito groups may do, by their names.
    """

    collection: str
    owner_id: UUID | None
    name: str
    is_public: bool
    is_made: bool = False
    grants: Mapping[str, Access] = {}
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Roles:
    """The Cognito groups that have a part in ingest.

    Attributes:
        editors: whose members say what everybody is answered from.
        uploaders: without which nobody adds anything anywhere; None when everybody who is signed in may.
    """

    editors: str = "editors"
    uploaders: str | None = None

    def edits(self, principal: Principal) -> bool:
        """Whether they write what everybody reads."""
        return not principal.is_guest and self.editors in principal.groups

    def uploads(self, principal: Principal) -> bool:
        """Whether they may add documents anywhere, and make collections."""
        may = self.uploaders is None or self.uploaders in principal.groups
        return not principal.is_guest and (may or self.edits(principal))

    def writes(self, principal: Principal, to: Collection) -> bool:
        """Whether one who may read the collection may add to it, and delete what others added."""
        if to.is_public:
            return self.edits(principal)
        granted = any(to.grants.get(group) == "write" for group in principal.groups)
        return self.uploads(principal) and (to.owner_id == principal.user_id or granted)

    def manages(self, principal: Principal, collection: Collection) -> bool:
        """Whether one who may read the collection may rename it, delete it and change who reads it."""
        if principal.is_guest or not collection.is_made:
            return False
        # Editors answer for all that everybody reads.
        return collection.owner_id == principal.user_id or (collection.is_public and self.edits(principal))

    def check_uploads(self, principal: Principal) -> None:
        """Returns when they may add documents at all.

        Raises:
            RequestError: 403 `forbidden`.
        """
        if principal.is_guest:
            raise forbidden("Guests may not upload documents: sign in first.")
        if not self.uploads(principal):
            raise forbidden(f"Only members of the group `{self.uploaders}` may add documents.")

    def check_writes(self, principal: Principal, to: Collection) -> None:
        """Returns when they, who may read the collection, may add to it.

        Raises:
            RequestError: 403 `forbidden`.
        """
        self.check_uploads(principal)
        if self.writes(principal, to):
            return
        if to.is_public:
            raise forbidden(f"Only members of the group `{self.editors}` may add to what everybody reads.")
        raise forbidden("You may read this collection, not add to it.")

    def check_manages(self, principal: Principal, collection: Collection) -> None:
        """Returns when they, who may read the collection, may change it.

        Raises:
            RequestError: 403 `forbidden`.
        """
        if not self.manages(principal, collection):
            raise forbidden("Only its owner may change this collection, and nobody the public one or a person's own.")

    def check_grants(self, principal: Principal, *, groups: Mapping[str, Access | None], public: bool | None) -> None:
        """Returns when they may open their collection to these groups, or to everybody.

        What a collection says goes into the answers of all who may read it. So people open theirs to groups they are
        in, editors to any. To take rights away needs no more than to own the collection.

        Raises:
            RequestError: 403 `forbidden`.
        """
        if self.edits(principal):
            return
        if public:
            raise forbidden(f"Only members of the group `{self.editors}` may open a collection to everybody.")
        if any(access is not None and group not in principal.groups for group, access in groups.items()):
            raise forbidden("You may open a collection to groups that you are a member of.")

    def check_deletes(self, principal: Principal, *, owner_id: UUID, collection: Collection) -> None:
        """Returns when they, who may read the document, may delete it.

        Raises:
            RequestError: 403 `forbidden`.
        """
        if owner_id != principal.user_id and not self.writes(principal, collection):
            raise forbidden("Only who added it, and who may write to its collection, may delete a document.")


def forbidden(detail: str) -> RequestError:
    """The answer to who may see a thing and may not do this with it."""
    return RequestError(detail, status=403, code="forbidden")
