"""Callers: in a closed loop, to find what a server can do; in an open one, to see how long it takes at a given rate."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

Call = Callable[[int], Awaitable[None]]
"""One request, by number; raises when the answer is not a good one."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds of every request, and of the whole."""

    latencies: Sequence[float]
    seconds: float

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds

    def quantile_ms(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)] * 1000


def together(parts: Sequence[Measured]) -> Measured:
    """Several runs as one."""
    latencies = [latency for part in parts for latency in part.latencies]
    return Measured(latencies, sum(part.seconds for part in parts))


async def closed_loop(call: Call, *, requests: int, at_once: int) -> Measured:
    """`at_once` callers, each asking again as soon as it was answered."""
    numbers, latencies = iter(range(requests)), []

    async def caller() -> None:
        for number in numbers:
            begun = time.perf_counter()
            await call(number)
            latencies.append(time.perf_counter() - begun)

    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(caller())
    return Measured(latencies, time.perf_counter() - begun)


async def open_loop(call: Call, *, requests: int, rate: float) -> Measured:
    """One request every 1/rate seconds, whatever became of the others; latency counts from when it was due."""
    latencies: list[float] = []
    begun = time.perf_counter()

    async def one(number: int) -> None:
        due = begun + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        await call(number)
        latencies.append(time.perf_counter() - due)

    async with asyncio.TaskGroup() as group:
        for number in range(requests):
            group.create_task(one(number))
    return Measured(latencies, time.perf_counter() - begun)
