"""Somebody who is told of alerts, and the desk from which a test has them told."""

import asyncio
import socket
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from services.intent.monitor.delivering import deliver_one
from services.intent.monitor.notifying import enqueue
from services.intent.monitor.outbound import Allowed, Outbound
from services.intent.monitor.sealing import Sealer
from services.kit.database import Database

KEYS = "one:0123456789abcdef0123456789abcdef"


LAPTOP = Allowed(http=True, private=True)


BODY = b'{"type":"alert.opened","timestamp":"2026-01-01T00:00:00+00:00","data":{}}'


class Home(AbstractResolver):
    """A name server that sends everybody home."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = ResolveResult(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0)
        return [found]

    async def close(self) -> None:
        return None


@dataclass
class Receiver:
    """Somebody who is told: remembers what came and answers as it is told to."""

    url: str = ""
    status: int = 204
    seen: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    wait_s: float = 0.0
    endless: bool = False

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(({name.lower(): value for name, value in request.headers.items()}, await request.read()))
        await asyncio.sleep(self.wait_s)
        if self.endless:
            response = web.StreamResponse()
            await response.prepare(request)
            while True:
                await response.write(b"x" * 65_536)
        return web.Response(status=self.status, headers={"Location": f"{self.url}/elsewhere"})


@dataclass
class Desk:
    """The API, and a worker that is run by hand."""

    client: httpx.AsyncClient
    db: Database
    outbound: Outbound
    sealer: Sealer

    async def register(self, url: str, **body: object) -> dict[str, Any]:
        answer = await self.client.post("/v1/monitor/webhooks", json={"url": url, **body})
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def secrets(self, webhook_id: str) -> list[str]:
        found: list[str] = (await self.client.get(f"/v1/monitor/webhooks/{webhook_id}/secret")).json()["secrets"]
        return found

    async def tell(self) -> str | None:
        async with self.db.begin() as connection:
            return await enqueue(connection, "default", "alert.opened", BODY, datetime.now(UTC))

    async def deliver(self, now: datetime | None = None) -> bool:
        return await deliver_one(self.db, self.outbound, self.sealer, now or datetime.now(UTC))

    async def deliveries(self, **query: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.client.get("/v1/monitor/deliveries", params=query)).json()["data"]
        return found

    async def webhook(self, webhook_id: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.client.get(f"/v1/monitor/webhooks/{webhook_id}")).json()
        return found
