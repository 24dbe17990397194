"""More texts than a server can compute: what is answered, what is refused, and how fast each is said."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from bench.rig.callers import Measured
from bench.rig.servers import JSON, Server

SECONDS = 8
DEADLINE_MS = 400


async def overload(server: Server, asked: Sequence[str], log: Path, *, rate: float) -> dict[str, Any]:
    """One text every 1/rate seconds for `SECONDS`; milliseconds by status, as the caller sees them from sending to the last byte.

    `refused_at_server` is what the server's own access log says of its refusals.
    """
    seen: dict[int, list[float]] = defaultdict(list)
    bodies = cycle([orjson.dumps({"text": text}) for text in asked])
    headers = {**server.headers, **JSON, "X-Request-Deadline-Ms": str(DEADLINE_MS)}
    begun = time.perf_counter()
    async with aiohttp.ClientSession(
        headers=headers, connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=2)
    ) as session:

        async def one(number: int, body: bytes) -> None:
            await asyncio.sleep(max(0.0, begun + number / rate - time.perf_counter()))
            sent = time.perf_counter()
            async with session.post(server.url, data=body) as answer:
                await answer.read()
                seen[answer.status].append(time.perf_counter() - sent)

        async with asyncio.TaskGroup() as group:
            for number in range(int(rate * SECONDS)):
                group.create_task(one(number, next(bodies)))
    spent = time.perf_counter() - begun
    told = {"rate": round(rate, 1), "deadline_ms": DEADLINE_MS, "seconds": round(spent, 2)}
    found = {f"status_{status}": quantiles(Measured(each, spent)) for status, each in sorted(seen.items())}
    return told | found | {"refused_at_server": quantiles(Measured(refusals(log), spent))}


def refusals(log: Path) -> list[float]:
    """Seconds that the server spent on each refusal, by its access log."""
    lines = (orjson.loads(line) for line in log.read_bytes().splitlines() if line.startswith(b"{"))
    return [line["seconds"] for line in lines if line.get("event") == "request" and line["status"] == 429]


def quantiles(seen: Measured) -> dict[str, float]:
    if not seen.latencies:
        return {"requests": 0}
    return {
        "requests": len(seen.latencies),
        **{f"p{share * 100:g}_ms": round(seen.quantile_ms(share), 2) for share in (0.5, 0.9, 0.99)},
    }
