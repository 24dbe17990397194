"""Long answers and long bodies: passed on piece by piece, never held as a whole."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
from fastapi import Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from services.gateway.carriage import CARRIED_BACK, carried, response_of, told_as_problems
from services.kit.disconnect import ClientGone, while_connected
from services.kit.http import Backend, BackendUnavailable, RawAnswer


class PipedAnswer(Response):
    """A back end's long answer, sent on as it arrives.

    When the back end dies in between, the answer ends without its last chunk, which every HTTP client notices.
    """

    def __init__(self, backend: Backend, path: str, headers: Mapping[str, str]) -> None:
        super().__init__()
        self._backend = backend
        self._path = path
        self._sent_there = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await while_connected(scope, receive, self._pipe(send))
        except ClientGone:
            return

    async def _pipe(self, send: Send) -> None:
        with told_as_problems(self._backend.name):
            async with _exchange(self._backend, "GET", self._path, self._sent_there) as upstream:
                if upstream.status >= 400:
                    await _send_whole(response_of(self._backend.name, await _whole(upstream)), send)
                    return
                headers = carried(upstream.headers, CARRIED_BACK)
                raw = [(name.encode(), value.encode()) for name, value in headers.items()]
                await send({"type": "http.response.start", "status": upstream.status, "headers": raw})
                async for piece in upstream.content.iter_any():
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                await send({"type": "http.response.body", "body": b""})


class Upload:
    """A caller's long body as it arrives, and why it stopped before its end."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self.failure: HTTPException | ClientDisconnect | None = None

    async def pieces(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._request.stream():
                yield piece
        except (HTTPException, ClientDisconnect) as error:
            self.failure = error
            raise


async def upload(request: Request, backend: Backend, path: str, headers: dict[str, str]) -> Response:
    """Send the request's body on as it arrives. Raises HTTPException (413) and ClientGone as the body's reader found them."""
    body = Upload(request)
    if length := request.headers.get("content-length"):
        headers["content-length"] = length
    try:
        async with _exchange(backend, request.method, path, headers, body.pieces()) as upstream:
            return response_of(backend.name, await _whole(upstream))
    except BackendUnavailable:
        if isinstance(body.failure, ClientDisconnect):
            raise ClientGone from body.failure
        if body.failure is not None:
            raise body.failure from None
        raise


@asynccontextmanager
async def _exchange(
    backend: Backend, method: str, path: str, headers: Mapping[str, str], data: AsyncIterator[bytes] | None = None
) -> AsyncIterator[aiohttp.ClientResponse]:
    """One request whose answer is read by the block. The deadline is the request's own, held by the application."""
    try:
        async with backend.session.request(
            method, backend.base_url + path, data=data, headers=headers, allow_redirects=False
        ) as response:
            yield response
    except (aiohttp.ClientError, OSError) as error:
        raise BackendUnavailable(backend.name, type(error).__name__) from error


async def _whole(upstream: aiohttp.ClientResponse) -> RawAnswer:
    return RawAnswer(upstream.status, upstream.headers, await upstream.read())


async def _send_whole(response: Response, send: Send) -> None:
    await send({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
    await send({"type": "http.response.body", "body": response.body})
