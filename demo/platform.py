"""The platform's side of the HTTP API: an API key, patience when told to wait, and errors that say what was refused."""

import asyncio
import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson

_ATTEMPTS = 6
_WAIT_S = 1.0
_BUDGET_MS = 120_000
_BUSY = frozenset({409, 429, 502, 503, 504})
"""Answers that a repeat may turn into a success: every request here is safe to repeat."""


class LoadFailed(RuntimeError):
    """The platform refused a request or did not answer; the message names the route and the reason."""


class Platform:
    """Calls to one gateway."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url.rstrip("/")

    async def get(self, path: str) -> Any:
        """The decoded answer; None for 404. LoadFailed otherwise."""
        return await self._call("GET", path, None, {})

    async def post(self, path: str, body: Any, *, key: str | None = None) -> Any:
        return await self._call("POST", path, orjson.dumps(body), _json_headers(key))

    async def put(self, path: str, body: Any) -> Any:
        return await self._call("PUT", path, orjson.dumps(body), _json_headers(None))

    async def post_lines(self, path: str, lines: bytes) -> Any:
        return await self._call("POST", path, lines, {"Content-Type": "application/x-ndjson"})

    async def _call(self, method: str, path: str, data: bytes | None, headers: Mapping[str, str]) -> Any:
        reason = "no attempt was made"
        for attempt in range(_ATTEMPTS):
            if attempt:
                await asyncio.sleep(_WAIT_S)
            try:
                body = io.BytesIO(data) if data else None  # sent in pieces, so that the loop goes on
                async with self._session.request(method, self._url + path, data=body, headers=headers) as answer:
                    if answer.status == 404 and method == "GET":
                        return None
                    if answer.ok:
                        return orjson.loads(await answer.read())
                    reason = f"{answer.status} {_reason(await answer.read())}"
                    if answer.status not in _BUSY:
                        break
            except (aiohttp.ClientConnectionError, TimeoutError) as error:
                reason = type(error).__name__
        raise LoadFailed(f"{method} {path.split('?', maxsplit=1)[0]}: {reason}")


@asynccontextmanager
async def open_platform(url: str, api_key: str) -> AsyncIterator[Platform]:
    headers = {"Authorization": f"Bearer {api_key}", "X-Request-Deadline-Ms": str(_BUDGET_MS)}
    timeout = aiohttp.ClientTimeout(total=_BUDGET_MS / 1000 + 5, connect=5)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
        yield Platform(session, url)


def _json_headers(key: str | None) -> dict[str, str]:
    return {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})


def _reason(body: bytes) -> str:
    """Code, field and sentence of a problem document (RFC 9457); the beginning of anything else."""
    try:
        problem = orjson.loads(body)
        return " ".join(str(problem[name]) for name in ("code", "param", "detail") if problem.get(name))
    except (orjson.JSONDecodeError, AttributeError):
        return body[:200].decode("utf-8", "replace")
