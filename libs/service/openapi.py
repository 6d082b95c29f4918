"""What an app's OpenAPI document says about errors: what it really answers, in the form in which it answers."""

from typing import Any

from fastapi import FastAPI

from libs.service.problems import Problem

Document = dict[str, Any]

PROBLEM_TYPE = "application/problem+json"
_REF = "#/components/schemas/"
_BAD_BODY = {"description": "The body cannot be read, let alone understood"}
_LARGE_BODY = {"description": "The body is larger than bodies may be here"}
_OF_FASTAPI = ("HTTPValidationError", "ValidationError")


def document_problems(app: FastAPI) -> None:
    """From here on the document gives every problem its media type and schema.

    FastAPI would list our problems as `application/json`, 422 in a form that we never send, and not at all the 400 of
    a body that is not what its type says, or the 413 of one that is too large.
    """
    plain = app.openapi

    def described() -> Document:
        if app.openapi_schema is None:
            app.openapi_schema = with_problems(plain())
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]  # FastAPI's documented way


def with_problems(document: Document) -> Document:
    """The document, mended in place."""
    for item in document["paths"].values():
        for operation in item.values():
            responses: dict[str, Any] = operation["responses"]
            if "application/json" in operation.get("requestBody", {}).get("content", {}):
                responses.setdefault("400", {**_BAD_BODY, "content": {PROBLEM_TYPE: {}}})
                responses.setdefault("413", {**_LARGE_BODY, "content": {PROBLEM_TYPE: {}}})
            for response in responses.values():
                _mend(response)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in _OF_FASTAPI:
        schemas.pop(name, None)
    schema = Problem.model_json_schema(ref_template=_REF + "{model}")
    for name, part in schema.pop("$defs").items():
        schemas.setdefault(name, part)
    schemas.setdefault("Problem", schema)
    return document


def _mend(response: dict[str, Any]) -> None:
    content = response.get("content", {})
    model = content.get("application/json", {}).get("schema", {}).get("$ref")
    if PROBLEM_TYPE in content or model in {f"{_REF}Problem", f"{_REF}HTTPValidationError"}:
        content.pop("application/json", None)
        content[PROBLEM_TYPE] = {"schema": {"$ref": f"{_REF}Problem"}}
