"""More texts than a server can compute: what is answered, what is refused, and how fast each is said."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import orjson

from bench.rig.callers import Measured
from bench.rig.servers import Server
from bench.rig.wire import Wire, awake

SECONDS = 8
DEADLINE_MS = 400


async def flood(server: Server, asked: Sequence[str], *, rate: float) -> dict[str, Any]:
    """One text every 1/rate seconds for `SECONDS`; milliseconds by status, as the caller sees them."""
    seen: dict[int, list[float]] = defaultdict(list)
    async with Wire(server) as wire:
        await awake(wire)
        told = {"X-Request-Deadline-Ms": str(DEADLINE_MS)}
        requests = cycle([wire.request(orjson.dumps({"text": text}), told) for text in asked])

        async def one(request: bytes) -> None:
            answer = await wire.ask(request)
            seen[answer.status].append(answer.seconds)

        begun = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(int(rate * SECONDS)):
                await asyncio.sleep(max(0.0, begun + number / rate - time.perf_counter()))
                group.create_task(one(next(requests)))
        spent = time.perf_counter() - begun
    return {f"status_{status}": quantiles(Measured(each, spent)) for status, each in sorted(seen.items())}


async def overload(server: Server, asked: Sequence[str], log: Path, *, rate: float) -> dict[str, Any]:
    """As `flood`; `refused_at_server` is what the server's own access log says of its refusals."""
    told = {"rate": round(rate, 1), "deadline_ms": DEADLINE_MS}
    found = await flood(server, asked, rate=rate)
    return told | found | {"refused_at_server": quantiles(Measured(refusals(log), SECONDS))}


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
