"""RFC 9457: every HTTP error is a problem document that says what to do."""

import math
from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.routing import Match

from libs.errors import PermanentError, RequestError, TransientError
from libs.telemetry.troubles import Trouble

log = structlog.get_logger()

RETRY_AFTER_SECONDS = 2.0
"""What a caller is told to wait when a dependency is away."""
BODY_TOO_LARGE = "body_too_large"

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class FieldProblem(BaseModel):
    """One field of a request that is wrong."""

    field: str
    message: str


class Problem(BaseModel):
    """An RFC 9457 problem; `code` is stable, `detail` is for people."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldProblem] = []


def problem_response(
    status: int,
    code: str,
    detail: str,
    *,
    errors: list[FieldProblem] | None = None,
    retry_after_seconds: float | None = None,
) -> Response:
    """The problem as a response, with `Retry-After` when it is known."""
    problem = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, code=code, errors=errors or [])
    headers = {} if retry_after_seconds is None else {"Retry-After": str(math.ceil(retry_after_seconds))}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    content = problem.model_dump_json(exclude_defaults=False)
    return Response(content, status_code=status, media_type="application/problem+json", headers=headers)


def install_problem_handlers(app: FastAPI) -> None:
    """From here on no error leaves the app but as a problem."""
    away = Trouble(log, begins="dependency away", ends="no dependency was away lately")

    @app.exception_handler(RequestError)
    async def on_request_error(_request: Request, error: RequestError) -> Response:
        return problem_response(error.status, error.code, error.detail, retry_after_seconds=error.retry_after_seconds)

    @app.exception_handler(TransientError)
    async def on_transient_error(_request: Request, error: TransientError) -> Response:
        away.noticed_in_passing(reason=str(error))
        return problem_response(
            503,
            "temporarily_unavailable",
            "Something we need does not answer. Try again in a moment.",
            retry_after_seconds=error.retry_after_seconds or RETRY_AFTER_SECONDS,
        )

    @app.exception_handler(PermanentError)
    async def on_permanent_error(_request: Request, error: PermanentError) -> Response:
        log.error("request failed for good", reason=str(error))
        return problem_response(500, "internal_error", "This cannot work; we were told.")

    @app.exception_handler(RequestValidationError)
    async def on_invalid(_request: Request, error: RequestValidationError) -> Response:
        errors = [
            FieldProblem(field=".".join(str(part) for part in item["loc"]), message=item["msg"])
            for item in error.errors()
        ]
        return problem_response(422, "invalid_request", "Mend the fields listed in `errors`.", errors=errors)

    @app.exception_handler(HTTPException)
    async def on_http_error(request: Request, error: HTTPException) -> Response:
        code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_").replace("'", "")
        if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            # Whose phrase depends on Python's version.
            code = BODY_TOO_LARGE
        response = problem_response(error.status_code, code, str(error.detail))
        response.headers.update(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            response.headers["Allow"] = _methods_of(request)
        return response

    @app.exception_handler(Exception)
    async def on_bug(_request: Request, error: Exception) -> Response:
        log.error("unexpected error", exc_info=error)
        return problem_response(500, "internal_error", "Something went wrong on our side; we were told.")


def _methods_of(request: Request) -> str:
    # A path of its own comes before those that have an id in its place.
    documented = request.app.openapi()["paths"].get(request.scope["path"])
    if documented:
        return ", ".join(method for method in _METHODS if method.lower() in documented)

    # Asked one by one: the framework names those of the first route at this path alone, or none.
    def is_served(method: str) -> bool:
        scope = {**request.scope, "method": method}
        return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)

    return ", ".join(filter(is_served, _METHODS))
