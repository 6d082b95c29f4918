"""Who may do what: everybody reads the public collection, which editors write; everyone has one of their own."""

from uuid import UUID

from libs.contracts.values import PUBLIC_COLLECTION, Principal, own_collection
from libs.errors import RequestError, not_found

EDITORS = "editors"


def upload_collection(principal: Principal, wanted: str | None) -> str:
    """The collection an upload goes to: the wanted one, or the caller's own.

    Raises:
        RequestError: 403 `forbidden` for guests and, for the public one, whoever is no editor; 404
            `collection_not_found` for any other.
    """
    if principal.is_guest:
        raise _forbidden("Guests may not upload documents: sign in first.")
    collection = wanted or own_collection(principal.user_id)
    if collection == PUBLIC_COLLECTION and EDITORS not in principal.groups:
        raise _forbidden(f"Only members of the group `{EDITORS}` may add to the public collection: leave it out.")
    if collection not in principal.collections:
        raise not_found("collection")
    return collection


def check_deletable(principal: Principal, *, owner_id: UUID, collection: str) -> None:
    """Returns when the caller, who may read the document, may delete it too.

    Raises:
        RequestError: 403 `forbidden`.
    """
    edits = collection == PUBLIC_COLLECTION and EDITORS in principal.groups and not principal.is_guest
    if owner_id != principal.user_id and not edits:
        raise _forbidden(f"Only its owner and members of the group `{EDITORS}` may delete a public document.")


def _forbidden(detail: str) -> RequestError:
    return RequestError(detail, status=403, code="forbidden")
