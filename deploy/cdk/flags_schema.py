"""What AppConfig checks a document of flags by: the rules of `libs.flags.rollout`, in JSON schema's draft 4."""

from collections.abc import Mapping, Sequence
from typing import Any

from libs.flags.flags import Flag
from retrieval_service.flags import FLAGS as RETRIEVAL

DECLARED: Mapping[str, Sequence[Flag]] = {"retrieval": RETRIEVAL}
"""By the process that asks for them."""


def schema() -> dict[str, Any]:
    """A key that nobody declares is a mistake here; services leave the flags of others alone."""
    rule = {
        "type": "object",
        "required": ["value"],
        "additionalProperties": False,
        "properties": {
            "value": {"type": "boolean"},
            "groups": {
                "type": "array",
                "maxItems": 50,
                "items": {"type": "string", "minLength": 1, "maxLength": 128},
            },
            "percent": {"type": "number", "minimum": 0, "maximum": 100},
        },
    }
    rollout = {
        "type": "object",
        "required": ["value"],
        "additionalProperties": False,
        "properties": {
            "value": {"type": "boolean"},
            "rules": {"type": "array", "maxItems": 50, "items": rule},
        },
    }
    flags = {
        flag.key: {**rollout, "description": f"{flag.meaning}. By default {'on' if flag.default else 'off'}."}
        for declared in DECLARED.values()
        for flag in declared
    }
    return {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "type": "object",
        "required": ["flags"],
        "additionalProperties": False,
        "properties": {"flags": {"type": "object", "additionalProperties": False, "properties": flags}},
    }
