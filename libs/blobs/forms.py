"""Forms with which a client sends a file straight to a blob store, in the shape of S3's presigned POST.

The fields and then the part `file` are posted as `multipart/form-data` to the form's address. What may be sent, and
until when, is signed, so whoever holds the form needs no token and can change nothing about it.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from libs.errors import RequestError

INCOMING = "incoming/"
"""Before the names of files that nobody has confirmed yet."""
_SIGNATURE = "x-eloquent-signature"


@dataclass(frozen=True, slots=True)
class Form:
    """Where and with which fields to post a file; the address may be relative to the API's."""

    url: str
    fields: Mapping[str, str]


class Policy(msgspec.Struct, frozen=True):
    """What a form of ours allows: one file of this name and size, until then."""

    key: str
    size_bytes: int
    expires_at: datetime


def signed(url: str, policy: Policy, *, secret: bytes) -> Form:
    """The form for this policy."""
    text = base64.b64encode(msgspec.json.encode(policy)).decode()
    return Form(url, {"key": policy.key, "policy": text, _SIGNATURE: _signature(text, secret)})


def admitted(fields: Mapping[str, str], *, secret: bytes, now: datetime) -> Policy:
    """What the form allows that these fields came with.

    Raises:
        RequestError: 403 `form_refused`: it was not made here, was changed, or has expired.
    """
    text = fields.get("policy", "")
    if not hmac.compare_digest(fields.get(_SIGNATURE, "").encode(), _signature(text, secret).encode()):
        raise _refused("it was not made here, or was changed")
    try:
        policy = msgspec.json.decode(base64.b64decode(text, validate=True), type=Policy)
    except (binascii.Error, msgspec.DecodeError) as error:
        raise _refused("it cannot be read") from error
    if fields.get("key") != policy.key:
        raise _refused("it was made for another file")
    if now >= policy.expires_at:
        raise _refused("it has expired")
    return policy


def _signature(text: str, secret: bytes) -> str:
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()


def _refused(reason: str) -> RequestError:
    return RequestError(f"This form is not accepted: {reason}. Ask for a new one.", status=403, code="form_refused")
