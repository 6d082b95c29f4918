"""OpenAI's error shape, so that its SDK raises the right exception with a readable message."""

from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from libs.errors import RequestError, TransientError

log = structlog.get_logger()


class InvalidRequestError(RequestError):
    """A field of the request is wrong.

    Args:
        detail: what is wrong and what would be right.
        param: the field.
    """

    def __init__(self, detail: str, *, param: str | None) -> None:
        super().__init__(detail, status=HTTPStatus.BAD_REQUEST, code="invalid_value")
        self.param = param


def invalid(error: ValidationError) -> InvalidRequestError:
    """The first field that pydantic found wrong, without the value."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    param = ".".join(str(part) for part in first["loc"])
    return InvalidRequestError(f"{param}: {first['msg']}" if param else first["msg"], param=param or None)


def error_body(message: str, *, status: int, code: str | None, param: str | None = None) -> dict[str, object]:
    """The error as OpenAI's API writes it."""
    kind = "invalid_request_error" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "server_error"
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def install_refusals(app: FastAPI) -> None:
    """From here on every error leaves the app in OpenAI's shape, which replaces our own problem documents."""

    @app.exception_handler(RequestError)
    async def on_request_error(_request: Request, error: RequestError) -> Response:
        param = error.param if isinstance(error, InvalidRequestError) else None
        body = error_body(error.detail, status=error.status, code=error.code, param=param)
        return JSONResponse(body, error.status)

    @app.exception_handler(TransientError)
    async def on_transient_error(_request: Request, error: TransientError) -> Response:
        return JSONResponse(error_body(str(error), status=503, code="temporarily_unavailable"), 503)

    @app.exception_handler(HTTPException)
    async def on_http_error(_request: Request, error: HTTPException) -> Response:
        body = error_body(str(error.detail), status=error.status_code, code=None)
        return JSONResponse(body, error.status_code, error.headers)

    @app.exception_handler(Exception)
    async def on_bug(_request: Request, error: Exception) -> Response:
        log.error("unexpected error", exc_info=error)
        return JSONResponse(error_body("Something went wrong here; the log says what.", status=500, code=None), 500)
