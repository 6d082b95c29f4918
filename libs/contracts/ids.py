"""Ids that can be worked out again, so that the same `send` always finds the same rows and the same log."""

import hashlib
import re
from typing import NamedTuple
from uuid import UUID, uuid5

from libs.contracts.values import Principal

_NAMESPACE = UUID("6d0f9e0a-8a4e-5b0c-9c36-3f5f0c2c8a11")
_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class TurnIds(NamedTuple):
    """The user's message and the assistant's."""

    question_id: UUID
    answer_id: UUID


def is_client_id(text: str) -> bool:
    """Whether a client may name a session or a message so: 1 to 64 URL-safe characters."""
    return _CLIENT_ID.fullmatch(text) is not None


def session_uuid(client_session_id: str, principal: Principal) -> UUID:
    """The session a client means: the UUID itself, or one derived from its own id and the principal.

    Raises:
        ValueError: the id is neither a UUID nor 1 to 64 URL-safe characters.
    """
    if not is_client_id(client_session_id):
        raise ValueError("a session id is a UUID or 1 to 64 of the characters A-Z a-z 0-9 _ -")
    try:
        return UUID(client_session_id)
    except ValueError:
        return uuid5(_NAMESPACE, f"session/{principal.user_id}/{client_session_id}")


def turn_ids(session_id: UUID, principal: Principal, client_message_id: str) -> TurnIds:
    """Ids of question and answer; a stranger who knows session and message id derives others."""
    base = f"{session_id}/{principal.user_id}/{client_message_id}"
    return TurnIds(uuid5(_NAMESPACE, f"question/{base}"), uuid5(_NAMESPACE, f"answer/{base}"))


def partition_of(key: UUID, partitions: int) -> int:
    """Which partition a session or a document lives in: 0 to `partitions` - 1, the same in every process."""
    return int.from_bytes(hashlib.blake2s(key.bytes, digest_size=4).digest(), "big") % partitions
