"""Routes of the back ends at the edge: checked here, carried there and back unchanged."""

from collections.abc import Mapping
from urllib.parse import quote

from fastapi import Request, Response

from services.gateway.carriage import (
    CARRIED_THERE,
    INFERENCE_LENGTH,
    EncodedBody,
    carried,
    response_of,
    told_as_problems,
)
from services.gateway.nesting import check_depth
from services.gateway.ownership import check_owner
from services.gateway.retry import RetryBudget, with_retry
from services.gateway.rows import Row, ServiceName
from services.gateway.streams import PipedAnswer, upload
from services.gateway.tokens import InternalTokens
from services.kit.app import deadline_of
from services.kit.disconnect import CLIENT_CLOSED_REQUEST, ClientGone, while_connected
from services.kit.errors import NotFound
from services.kit.http import Backend, CallContext
from services.kit.identity import Caller
from services.kit.resilience import Bulkhead
from services.kit.telemetry import current_trace


class Forwarder:
    """Carries a request of a row to its back end. One bulkhead a back end, one retry budget over all of them."""

    def __init__(
        self,
        backends: Mapping[ServiceName, Backend],
        bulkheads: Mapping[ServiceName, Bulkhead],
        *,
        tokens: InternalTokens,
        budget: RetryBudget,
        max_json_depth: int,
    ) -> None:
        self._backends = backends
        self._bulkheads = bulkheads
        self._tokens = tokens
        self._budget = budget
        self._max_json_depth = max_json_depth

    async def forward(self, row: Row, request: Request, caller: Caller) -> Response:
        """The back end's answer, or a problem that says why there is none."""
        if (user_id := request.path_params.get("user_id")) is not None:
            caller.require_self(user_id)
        if request.headers.get("content-encoding", "identity") != "identity":
            raise EncodedBody("Bodies are taken as they are, without a content encoding.", param="Content-Encoding")
        context = CallContext(self._tokens.token_for(caller), current_trace(), deadline_of(request))
        try:
            with told_as_problems(row.service):
                return await self._carry(row, request, caller, context)
        except ClientGone:
            return Response(status_code=CLIENT_CLOSED_REQUEST)

    async def _carry(self, row: Row, request: Request, caller: Caller, context: CallContext) -> Response:
        backend, path = self._backends[row.service], _path(row, request)
        headers = carried(request.headers, CARRIED_THERE)
        if row.body == "ndjson":
            return await upload(request, backend, path, headers | context.headers())
        if row.streamed:
            return PipedAnswer(backend, path, headers | context.headers())
        body = await self._checked_body(row, request, caller)
        with self._bulkheads[row.service]:
            exchange = with_retry(
                lambda: backend.send(row.method, path, context=context, body=body, headers=headers),
                idempotent=row.idempotent or "idempotency-key" in headers,
                budget=self._budget,
            )
            answer = await (while_connected(request.scope, request.receive, exchange) if row.reads else exchange)
        return response_of(row.service, answer)

    async def _checked_body(self, row: Row, request: Request, caller: Caller) -> bytes | None:
        if row.body == "none":
            return None
        body = await request.body()
        check_depth(_parsed(row, request, body), self._max_json_depth)
        check_owner(caller, body, row.people)
        return body


def _parsed(row: Row, request: Request, body: bytes) -> bytes:
    """What a parser will see of the body: tensors may be behind the JSON, and brackets in a text nest nothing."""
    told = request.headers.get(INFERENCE_LENGTH, "") if row.body == "tensors" else ""
    return body[: int(told)] if told.isascii() and told.isdigit() and len(told) < 10 else body


def _path(row: Row, request: Request) -> str:
    """The back end's path and query. Parameters are quoted again; `.` and `..` name no resource."""
    parameters = request.path_params
    if any(value in {".", ".."} for value in parameters.values()):
        raise NotFound("There is nothing by this name.")
    path = (row.backend_path or row.path).format(**{name: quote(value, safe="") for name, value in parameters.items()})
    query = request.scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path
