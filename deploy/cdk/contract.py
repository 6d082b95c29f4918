"""What API Gateway checks before it lets a request through, from docs/openapi: paths, parameters, bodies."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DOCUMENTS = Path(__file__).resolve().parents[2] / "docs" / "openapi"
APIS = ("history", "ingest")
PUBLIC_PREFIX = "/v1/"
_UNKNOWN_TO_DRAFT_4 = {"title", "description", "examples", "example", "default", "discriminator", "contentMediaType"}

Schema = dict[str, Any]


@dataclass(frozen=True)
class Operation:
    """One method of one path.

    Attributes:
        parameters: in API Gateway's spelling, and whether each must be there.
        body: the JSON schema of the body, in draft 4 and without references; None when it is none, or not JSON.
    """

    path: str
    method: str
    parameters: dict[str, bool]
    body: Schema | None
    name: str


def operations() -> list[Operation]:
    """Every public operation of the APIs that API Gateway leads to."""
    return [operation for api in APIS for operation in _operations(json.loads((DOCUMENTS / f"{api}.json").read_text()))]


def _operations(document: Schema) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        if not path.startswith(PUBLIC_PREFIX):
            continue
        for method, operation in item.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json")
            yield Operation(
                path=path,
                method=method.upper(),
                parameters={_spelt(one): bool(one.get("required")) for one in operation.get("parameters", [])},
                body=draft_4(body["schema"], document) if body else None,
                name=body["schema"].get("$ref", "").rpartition("/")[2] if body else "",
            )


def draft_4(schema: Any, document: Schema) -> Any:
    """A schema of OpenAPI 3.1 in JSON Schema's draft 4, which is what API Gateway knows.

    References are followed, `const` becomes a list of one, exclusive bounds become a flag beside the bound.
    """
    if isinstance(schema, list):
        return [draft_4(one, document) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        found: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return draft_4(found, document)
    result: Schema = {}
    for key, value in schema.items():
        if key not in _UNKNOWN_TO_DRAFT_4:
            result |= _keyword(key, value, document)
    return result


def _keyword(key: str, value: Any, document: Schema) -> Schema:
    match key:
        case "const":
            return {"enum": [value]}
        case "exclusiveMinimum" | "exclusiveMaximum":
            return {key: True, key.removeprefix("exclusive").lower(): value}
        case "properties":
            return {key: {name: draft_4(one, document) for name, one in value.items()}}
        case "required" | "enum":
            return {key: value}
        case _:
            return {key: draft_4(value, document)}


def _spelt(parameter: Schema) -> str:
    place = {"query": "querystring", "path": "path", "header": "header"}[parameter["in"]]
    return f"method.request.{place}.{parameter['name']}"
