"""Errors as RFC 9457 problems: the status and the stable code live on the class, one place maps them."""

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any, cast

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from services.kit.disconnect import CLIENT_CLOSED_REQUEST, ClientGone
from services.kit.telemetry import current_request_id, get_logger
from services.kit.wire import message_of

log = get_logger(__name__)

PROBLEM_JSON = "application/problem+json"

NO_OBJECT = "The body must be a JSON object, sent with Content-Type: application/json."

_says_error: ContextVar[bool] = ContextVar("kuajie_says_error", default=False)
_CODES = {413: "payload_too_large", 400: "bad_request"}


class ServiceError(Exception):
    """What a caller can be told. `param` names the field at fault, `extra` adds members to the problem document."""

    status_code = 500
    code = "internal_error"

    def __init__(
        self, detail: str, *, param: str | None = None, headers: Mapping[str, str] | None = None, **extra: Any
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.param = param
        self.headers = dict(headers or {})
        self.extra = extra


class BadRequest(ServiceError):
    status_code = 400
    code = "bad_request"


class Unauthorised(ServiceError):
    status_code = 401
    code = "unauthorised"

    def __init__(self, detail: str = "A valid credential is required.", **extra: Any) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": 'Bearer realm="kuajie"'}, **extra)


class Forbidden(ServiceError):
    status_code = 403
    code = "forbidden"


class NotFound(ServiceError):
    status_code = 404
    code = "not_found"


class Conflict(ServiceError):
    status_code = 409
    code = "conflict"


class InvalidInput(ServiceError):
    status_code = 422
    code = "invalid_request"


class TooManyRequests(ServiceError):
    status_code = 429
    code = "too_many_requests"

    def __init__(self, detail: str, *, retry_after_s: int = 1, **extra: Any) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_s)}, **extra)


class Unavailable(ServiceError):
    status_code = 503
    code = "unavailable"

    def __init__(self, detail: str, *, retry_after_s: int = 1, **extra: Any) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_s)}, **extra)


class DeadlineExceeded(ServiceError):
    status_code = 504
    code = "deadline_exceeded"


class FieldProblem(BaseModel):
    """One field at fault."""

    param: str
    code: str
    detail: str


class Problem(BaseModel):
    """RFC 9457 problem document."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "Unprocessable Content",
                    "status": 422,
                    "detail": "Input should have timezone info",
                    "code": "invalid_request",
                    "param": "batch.3.timestamp",
                    "request_id": "req_0192f0c17d3b7f0aa3f4c2b1a0998877",
                }
            ]
        },
    )

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    param: str | None = None
    request_id: str
    errors: list[FieldProblem] | None = None
    error: str | None = Field(
        None, description="Under /v2, for clients of the Open Inference Protocol: all of it in a sentence."
    )


def say_error(told: bool) -> None:
    """Whether the problems of the request at hand also have the member `error`, a sentence, which some protocols ask for."""
    _says_error.set(told)


def problem_document(status: int, code: str, detail: str, *, param: str | None = None, **extra: Any) -> bytes:
    """The bytes of one problem document for the request at hand."""
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "param": param,
        "request_id": current_request_id(),
        **extra,
    }
    if _says_error.get():
        document["error"] = f"{param}: {detail}" if param else detail
    return orjson.dumps(document, default=str)


def problem_response(error: ServiceError) -> Response:
    """The answer for an error that was known where it was raised."""
    body = problem_document(error.status_code, error.code, error.detail, param=error.param, **error.extra)
    return Response(body, error.status_code, error.headers, PROBLEM_JSON)


def http_problem(error: HTTPException) -> Response:
    """The answer for what the framework raises: no such route, another method, a body over its limit or not UTF-8."""
    if isinstance(error.__cause__, UnicodeDecodeError):  # of which the framework says nothing
        return problem_response(BadRequest("The body is not UTF-8.", param="body"))
    code = _CODES.get(error.status_code) or HTTPStatus(error.status_code).name.lower()
    body = problem_document(error.status_code, code, str(error.detail))
    return Response(body, error.status_code, error.headers, PROBLEM_JSON)


def unexpected_problem() -> bytes:
    """The document for a failure that nobody foresaw: it tells nothing of it."""
    return problem_document(500, "internal_error", "The service failed. The request id leads to the reason in its log.")


def dotted(location: Sequence[str | int]) -> str:
    """`("body", "batch", 3, "timestamp")` as `batch.3.timestamp`."""
    parts = location[1:] if location and location[0] in {"body", "query", "path", "header"} else location
    return ".".join(str(part) for part in parts)


def field_problems(errors: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Pydantic's errors as field problems, in their order; input values are never echoed."""
    return [{"param": dotted(e["loc"]), "code": str(e["type"]), "detail": message_of(e)} for e in errors]


def not_json(body: bytes) -> ServiceError:
    """Why a body that cannot be parsed is none."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return BadRequest("The body is not UTF-8.", param="body")
    return BadRequest("The body is not valid JSON.", param="body")


def invalid_request(errors: Sequence[Mapping[str, Any]], body: bytes = b"") -> ServiceError:
    """Validation errors of a body or a parameter as one problem; malformed JSON is a 400, not a 422."""
    first, *_ = problems = field_problems(errors[:20])
    if first["code"] == "json_invalid":
        return not_json(body)
    if first["code"] == "model_attributes_type" and not first["param"]:
        first["detail"] = NO_OBJECT
    return InvalidInput(first["detail"], param=first["param"] or "body", errors=problems)


def install_error_handlers(app: FastAPI) -> None:
    """One handler for each family of errors; every one answers problem+json."""

    async def service_error(_: Request, error: Exception) -> Response:
        return problem_response(cast("ServiceError", error))

    async def validation_error(_: Request, error: Exception) -> Response:
        return problem_response(invalid_request(cast("RequestValidationError", error).errors()))

    async def http_error(_: Request, error: Exception) -> Response:
        return http_problem(cast("HTTPException", error))

    async def client_gone(_: Request, __: Exception) -> Response:
        return Response(status_code=CLIENT_CLOSED_REQUEST)

    # Starlette answers what nobody foresaw by itself, in plain text; it raises it again, and RequestScope logs it.
    async def unexpected(_: Request, __: Exception) -> Response:
        return Response(unexpected_problem(), 500, media_type=PROBLEM_JSON)

    app.add_exception_handler(Exception, unexpected)
    app.add_exception_handler(ServiceError, service_error)
    app.add_exception_handler(RequestValidationError, validation_error)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(ClientGone, client_gone)
