"""A gateway to talk to: real HTTP, answers decided by the test."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from kuajie.gateway import Gateway

Answer = tuple[int, bytes]
Answering = Callable[[str, str, bytes], Answer]


@dataclass
class Stand:
    """What was asked of it, and how it answers: `answer(method, path, body)` gives status and body."""

    url: str
    answer: Answering
    asked: list[tuple[str, str, bytes]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

    @property
    def gateway(self) -> Gateway:
        return Gateway(self.url, "kj_test")


def taking_every_row(method: str, path: str, body: bytes) -> Answer:
    """A service that refuses rows whose user_id is missing, by their numbers in the file."""
    rows = [json.loads(line) for line in body.splitlines()]
    bad = [row for row in rows if "user_id" not in row]
    report: dict[str, Any] = {
        "read": len(rows),
        "kept": len(rows) - len(bad),
        "duplicates": 0,
        "rejected": len(bad),
        "reasons": {"missing_user_id": len(bad)} if bad else {},
        "rows": [
            {"row": row["row"], "reason": "missing_user_id", "param": "user_id", "detail": "user_id is missing."}
            for row in bad
        ],
    }
    return 200, json.dumps(report).encode()


@pytest.fixture
def stand() -> Iterator[Stand]:
    class Handler(BaseHTTPRequestHandler):
        def _reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            made.asked.append((self.command, self.path, body))
            made.keys.add(self.headers["authorization"])
            status, answer = made.answer(self.command, self.path, body)
            self.send_response(status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = _reply

        def log_message(self, format: str, *args: object) -> None:
            """Tests are quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = Stand(f"http://127.0.0.1:{server.server_port}", taking_every_row)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield made
        server.shutdown()
        thread.join()
