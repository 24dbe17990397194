"""The documentation of the edge: the real schemas of the back ends, on routes that only forward bytes.

Routes that forward take a bare request, so that FastAPI knows nothing of their bodies. Their documentation is made from
twins with full signatures, which are never mounted.
"""

from collections.abc import Mapping, Sequence
from inspect import Parameter, Signature
from typing import Annotated, Any

from fastapi import Body, Header, Query, Response, Security
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer

from services.gateway.rows import NDJSON, Row
from services.kit.errors import PROBLEM_JSON, Problem
from services.kit.wire import ExternalId

BEARER = HTTPBearer(
    scheme_name="bearer",
    description="The key of a server, or a person's token (JWT). Each operation names the scope it needs as `x-scope`.",
)

PROBLEMS: Mapping[int, str] = {
    400: "The body is not what its media type says",
    401: "No valid credential",
    403: "The scope is missing, or somebody else's data",
    404: "There is nothing by this name",
    409: "The same request is under way, or the state does not allow it",
    413: "The body is too large",
    415: "The body has a content encoding or a media type that is not taken",
    422: "A field is at fault; `param` names it",
    429: "Too much to do; `Retry-After` says when to come back",
    502: "The back end gave no usable answer",
    503: "The back end cannot be reached, or a required section is missing",
    504: "The deadline passed",
}
ALWAYS = frozenset({401, 403, 429, 502, 503, 504})
WITH_BODY = frozenset({400, 413, 415, 422})
INFERENCE = "/v2"
"""The Open Inference Protocol has a 400 for a field at fault."""


def document(title: str, rows: Sequence[Row]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of `rows`."""
    described = get_openapi(title=title, version="1", routes=[_twin(row) for row in rows])
    for path, operations in described["paths"].items():
        for operation in operations.values():
            _as_problems(operation["responses"])
            if path.startswith(INFERENCE) and "422" in operation["responses"]:
                operation["responses"]["400"] = operation["responses"].pop("422")
    return described


def _as_problems(responses: dict[str, dict[str, Any]]) -> None:
    """FastAPI files every model under the media type of the good answer."""
    for status, response in responses.items():
        if int(status) >= 400:
            response["content"] = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}


def _twin(row: Row) -> APIRoute:
    async def endpoint() -> None: ...

    endpoint.__signature__ = Signature(_parameters(row))  # type: ignore[attr-defined]
    return APIRoute(
        row.path,
        endpoint,
        methods=[row.method],
        name=row.name,
        operation_id=row.name,
        summary=row.summary,
        tags=[row.service],
        status_code=row.status,
        response_model=row.answer,
        response_class=JSONResponse if row.answer else Response,
        responses=_responses(row),
        openapi_extra=_extra(row),
    )


def _parameters(row: Row) -> list[Parameter]:
    annotations: dict[str, Any] = {"credential": Annotated[str, Security(BEARER)]}
    annotations |= dict.fromkeys(row.parameters, ExternalId)
    if row.query:
        annotations["query"] = Annotated[row.query, Query()]
    if row.question:
        annotations["question"] = Annotated[row.question, Body()]
    defaults: dict[str, Any] = {}
    if row.method == "POST" and not row.idempotent:
        annotations["idempotency_key"] = Annotated[str | None, Header(description="Makes the call safe to repeat.")]
        defaults["idempotency_key"] = None
    return [
        Parameter(name, Parameter.KEYWORD_ONLY, annotation=annotation, default=defaults.get(name, Parameter.empty))
        for name, annotation in annotations.items()
    ]


def _responses(row: Row) -> dict[int | str, dict[str, Any]]:
    statuses = set(ALWAYS)
    if row.body != "none":
        statuses |= WITH_BODY
    if row.query:
        statuses |= {400, 422}
    if row.parameters:
        statuses |= {404, 422}
    if row.method == "POST" and not row.idempotent:
        statuses |= {400, 409}  # an idempotency key of a wrong length, or one whose first request is under way
    problems: dict[int | str, dict[str, Any]] = {
        status: {"model": Problem, "description": PROBLEMS[status]} for status in sorted(statuses)
    }
    problems |= {status: {"model": Problem, "description": why} for status, why in row.errors.items()}
    if row.answer is None:
        problems[row.status] = {
            "description": "A JSON object a line",
            "content": {NDJSON: {"schema": {"type": "string"}}},
        }
    return problems


def _extra(row: Row) -> dict[str, Any]:
    extra: dict[str, Any] = {"x-scope": row.scope}
    if row.body == "ndjson":
        lines = {"schema": {"type": "string", "description": "A JSON object a line"}}
        extra["requestBody"] = {"required": True, "content": {NDJSON: lines}}
    return extra
