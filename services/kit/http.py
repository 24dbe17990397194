"""Calls between services: aiohttp, one session a process, one deadline, errors that tell refusal from silence."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import aiohttp
import orjson
from pydantic import BaseModel, ValidationError

from services.kit.resilience import DEADLINE_HEADER, Deadline
from services.kit.telemetry import Trace

M = TypeVar("M", bound=BaseModel)


class BackendError(Exception):
    """A neighbour gave no usable answer."""

    def __init__(self, backend: str, reason: str) -> None:
        super().__init__(f"{backend}: {reason}")
        self.backend = backend
        self.reason = reason


class BackendUnavailable(BackendError):
    """Refused, reset, unresolvable or not speaking HTTP: nobody is there."""


class BackendTimeout(BackendError):
    """No answer before the deadline."""


class BackendInvalid(BackendError):
    """An answer that is not of the agreed shape."""


class BackendRefused(BackendError):
    """A 4xx or 5xx answer, with the code of its problem document."""

    def __init__(self, backend: str, status: int, code: str, detail: str) -> None:
        super().__init__(backend, f"{status} {code}")
        self.status = status
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class CallContext:
    """What every call to a neighbour carries."""

    token: str
    trace: Trace
    deadline: Deadline

    def headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self.token}",
            "X-Request-Id": self.trace.request_id,
            "traceparent": self.trace.traceparent,
            DEADLINE_HEADER: self.deadline.header(),
        }


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """An answer as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes


IDLE_S = 3.0
"""How long a connection that nobody uses is kept: less than the five seconds after which uvicorn ends it, lest a POST, which is not
sent twice, meet its end on the way."""


def open_session(*, connections_per_host: int = 100) -> aiohttp.ClientSession:
    """The process's one client session; close it with `await session.close()`. Deadlines are ours, not the session's."""
    connector = aiohttp.TCPConnector(limit=0, limit_per_host=connections_per_host, keepalive_timeout=IDLE_S)
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=2.0),
        auto_decompress=True,
        cookie_jar=aiohttp.DummyCookieJar(),
        raise_for_status=False,
    )


class Backend:
    """One neighbour behind a base URL."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, name: str) -> None:
        self.session = session
        self.base_url = base_url.rstrip("/")
        self.name = name

    async def send(
        self,
        method: str,
        path: str,
        *,
        context: CallContext,
        body: bytes | None = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> RawAnswer:
        """One exchange, whatever its status. Raises `BackendTimeout` or `BackendUnavailable`."""
        sent = context.headers()
        if body is not None:
            sent["Content-Type"] = "application/json"
        if headers:
            sent.update(headers)
        try:
            async with (
                asyncio.timeout(context.deadline.remaining()),
                self.session.request(
                    method, self.base_url + path, data=body, params=params, headers=sent, allow_redirects=False
                ) as response,
            ):
                return RawAnswer(response.status, response.headers, await response.read())
        except TimeoutError as error:
            raise BackendTimeout(self.name, "deadline") from error
        except (aiohttp.ClientError, OSError) as error:
            raise BackendUnavailable(self.name, type(error).__name__) from error

    async def call(
        self,
        method: str,
        path: str,
        *,
        context: CallContext,
        response: type[M],
        body: BaseModel | bytes | None = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> M:
        """One exchange with a typed answer. Raises the `BackendError`s above."""
        data = body.model_dump_json().encode() if isinstance(body, BaseModel) else body
        answer = await self.send(method, path, context=context, body=data, params=params, headers=headers)
        if answer.status >= 400:
            raise refusal(self.name, answer)
        return parse(self.name, answer, response)


def parse(backend: str, answer: RawAnswer, response: type[M]) -> M:
    """The body as its model; raises `BackendInvalid`."""
    try:
        return response.model_validate_json(answer.body)
    except ValidationError as error:
        raise BackendInvalid(backend, f"{error.error_count()} fields are not as agreed") from error


def refusal(backend: str, answer: RawAnswer) -> BackendRefused:
    """A problem document as an exception; other bodies keep their status."""
    try:
        problem = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        problem = None
    if not isinstance(problem, dict):
        problem = {}
    return BackendRefused(backend, answer.status, str(problem.get("code", "unknown")), str(problem.get("detail", "")))
