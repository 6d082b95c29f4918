"""The door: Cognito's JSON protocol, and the key sets."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import uuid4

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from deploy.local.identity.calls import Call
from deploy.local.identity.errors import refusal
from libs.errors import RequestError

BODY_MAX_BYTES = 32 * 1024
"""Room for every field at its limit."""

C = TypeVar("C", bound=Call)


@dataclass(frozen=True)
class Operation(Generic[C]):
    """An operation: what it takes, and what it does, in a thread of its own as it hashes and writes."""

    call: type[C]
    run: Callable[[C], dict[str, Any]]

    def __call__(self, body: bytes) -> dict[str, Any]:
        """The operation's answer.

        Raises:
            RequestError: with Cognito's exception name.
        """
        try:
            call = self.call.model_validate_json(body or b"{}")
        except ValidationError as error:
            raise _invalid(error) from error
        return self.run(call)


def router(
    operations: Mapping[str, Operation[Any]],
    *,
    user_pool_id: str,
    user_keys: Mapping[str, Any],
    guest_keys: Mapping[str, Any],
) -> APIRouter:
    """`POST /` for the operations, by their `X-Amz-Target`; the key sets at Cognito's addresses."""
    routes = APIRouter(tags=["cognito"])

    @routes.post("/", responses={400: {"description": "An exception of Cognito's, named by `__type`"}})
    async def call(request: Request) -> Response:
        """Any operation of Cognito that this provider has, named by `X-Amz-Target`."""
        try:
            operation = operations.get(request.headers.get("x-amz-target", ""))
            if operation is None:
                raise refusal("UnknownOperationException", "This provider does not have that operation.")
            return _response(200, await asyncio.to_thread(operation, await _body(request)))
        except RequestError as error:
            answer = {"__type": error.code, "message": error.detail}
            return _response(error.status, answer, **{"x-amzn-errortype": f"{error.code}:"})

    @routes.get(f"/{user_pool_id}/.well-known/jwks.json")
    async def user_pool_keys() -> Mapping[str, Any]:
        """The key of user tokens."""
        return user_keys

    @routes.get("/.well-known/jwks_uri")
    async def identity_pool_keys() -> Mapping[str, Any]:
        """The key of guest tokens."""
        return guest_keys

    return routes


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > BODY_MAX_BYTES:
            raise RequestError("Request is too large.", status=413, code="RequestEntityTooLargeException")
    return bytes(body)


def _invalid(error: ValidationError) -> RequestError:
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    if problems[0]["type"] == "json_invalid":
        return refusal("SerializationException", "The body is not JSON.")
    # The rule that was broken, never the value: it may be a password.
    listed = "; ".join(f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in problems)
    return refusal("InvalidParameterException", f"{len(problems)} validation errors detected: {listed}")


def _response(status: int, answer: dict[str, Any], **headers: str) -> Response:
    headers = {"x-amzn-requestid": str(uuid4()), "Cache-Control": "no-store", **headers}
    return Response(json.dumps(answer), status, headers, media_type="application/x-amz-json-1.1")
