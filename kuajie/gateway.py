"""The running stack as the command line sees it: its gateway, over HTTP."""

import http.client
import json
import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from kuajie.data_folder import DataFolder
from kuajie.failures import BadInput, CommandError, NotNow

PATIENCE_SECONDS = 600
NDJSON = "application/x-ndjson"
PASSING = frozenset({429, 502, 503, 504})
REFUSED = frozenset({413, 422})
"""What was sent is at fault, and nothing was written."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """One stack's public address; `artifacts` is where its services look for what is fitted, None when that is not here."""

    url: str
    api_key: str
    artifacts: Path | None = None

    def get(self, path: str) -> dict[str, Any]:
        return self._document("GET", path, b"", "application/json")

    def post(self, path: str, body: bytes) -> dict[str, Any]:
        return self._document("POST", path, body, "application/json")

    def post_ndjson(self, path: str, body: bytes, params: Mapping[str, str]) -> dict[str, Any]:
        return self._document("POST", f"{path}?{urlencode(params)}" if params else path, body, NDJSON)

    def lines(self, path: str) -> Iterator[dict[str, Any]]:
        """The objects of an NDJSON export, as they arrive. An export that breaks off raises CommandError."""
        connection, answer = self._ask("GET", path, b"", NDJSON)
        try:
            for line in _lines(answer):
                yield json.loads(line)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise CommandError(f"the export {path} broke off: {error}") from error
        finally:
            connection.close()

    def _document(self, method: str, path: str, body: bytes, content_type: str) -> dict[str, Any]:
        connection, answer = self._ask(method, path, body, content_type)
        try:
            document: dict[str, Any] = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise CommandError(f"{self.url}{path} broke off: {error}") from error
        finally:
            connection.close()
        return document

    def _ask(
        self, method: str, path: str, body: bytes, content_type: str
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        parts = urlsplit(self.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=PATIENCE_SECONDS)
        headers = {
            "Authorization": f"Bearer {self.api_key}",
            "Content-Type": content_type,
            "X-Request-Deadline-Ms": str(PATIENCE_SECONDS * 1000),
        }
        try:
            connection.request(method, parts.path + path, body or None, headers)
            answer = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise CommandError(f"{self.url} cannot be reached: {_reason(error)}") from error
        if answer.status >= 300:
            problem = _problem(answer)
            connection.close()
            failure = NotNow if answer.status in PASSING else BadInput if answer.status in REFUSED else CommandError
            raise failure(f"{method} {urlsplit(path).path}: {problem}")
        return connection, answer


def _lines(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    """Lines of a body. Not `for line in answer`: its readline takes a chunked body that breaks off for a whole one."""
    rest = b""
    while block := answer.read1(1 << 16):
        *whole, rest = (rest + block).split(b"\n")
        yield from filter(None, whole)
    if rest:
        yield rest


def _reason(error: Exception) -> str:
    if isinstance(error, socket.timeout):
        return "no answer in time"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _problem(answer: http.client.HTTPResponse) -> str:
    """What an error answer says in its problem document."""
    body = answer.read(65536)
    try:
        problem = json.loads(body)
        return f"{problem['status']} {problem['code']}: {problem['detail']}"
    except (ValueError, KeyError, TypeError):
        return f"{answer.status} {answer.reason}"


def find_gateway(folder: DataFolder, url: str | None, api_key: str | None) -> Gateway:
    """The stack named by options, else by KUAJIE_URL and KUAJIE_API_KEY, else the one that runs on `folder`."""
    url = url or os.environ.get("KUAJIE_URL")
    api_key = api_key or os.environ.get("KUAJIE_API_KEY")
    if url:
        named = os.environ.get("KUAJIE_ARTIFACTS_DIR")
        if not api_key:
            raise BadInput("an address needs its key: give --api-key or set KUAJIE_API_KEY")
        return Gateway(url.rstrip("/"), api_key, Path(named) if named else None)
    state = folder.read("stack.json")
    if state is None or folder.holder() is None:
        raise CommandError(
            f"no stack runs on {folder.path}: start one with `kuajie up`, or name one with --url and --api-key"
        )
    return Gateway(state["url"], api_key or state["api_key"], Path(state["artifacts"]))
