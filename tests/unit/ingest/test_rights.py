"""The roles of people, and what each may do."""

import pytest

from ingest_service.rights import Collection, Roles
from libs.errors import RequestError
from tests.builders import a_principal

WITH_ROLE = Roles(editors="writers", uploaders="staff")


def test_without_the_role_nobody_adds_anything() -> None:
    """Not even to their own collection, nor to one that their group may write to; editors need no second role."""
    owner = a_principal(groups=("team",))
    own = Collection("user-x", owner.user_id, "own", is_public=False)
    shared = Collection("x", a_principal().user_id, "Shared", is_public=False, is_made=True, grants={"team": "write"})
    member = owner.model_copy(update={"groups": ("team", "staff")})

    for collection in (own, shared):
        assert not WITH_ROLE.writes(owner, collection)
        assert WITH_ROLE.writes(member, collection)
    with pytest.raises(RequestError, match="staff"):
        WITH_ROLE.check_uploads(owner)
    WITH_ROLE.check_uploads(a_principal(groups=("writers",)))


def test_a_guest_has_no_role_whatever_the_token_says() -> None:
    """Groups come from user pools; a guest has none."""
    guest = a_principal(is_guest=True, groups=("writers", "staff"))

    assert not WITH_ROLE.edits(guest)
    assert not WITH_ROLE.uploads(guest)
    assert not WITH_ROLE.manages(guest, Collection("x", guest.user_id, "X", is_public=False, is_made=True))


def test_who_lost_the_role_still_closes_what_is_theirs() -> None:
    """To take rights away needs no role."""
    owner = a_principal()
    mine = Collection("x", owner.user_id, "Mine", is_public=True, is_made=True, grants={"team": "read"})

    WITH_ROLE.check_manages(owner, mine)
    WITH_ROLE.check_grants(owner, groups={"team": None}, public=False)
    assert not WITH_ROLE.writes(owner, mine)
