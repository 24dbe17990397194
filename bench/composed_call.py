"""The composed call against a bare aiohttp fan-out of the same five calls, on the same back ends, turn by turn.

Ours does what it does in production: checks the key, validates, signs tokens, keeps deadlines, counts, logs. Budget:
gateway CPU at most twice the bare one's, p99 overhead at most 15 ms at half load.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from statistics import median

import aiohttp
import uvloop

import demo
from bench.rig.callers import Call, Measured, closed_loop, open_loop, together
from bench.rig.meters import cpu_seconds
from bench.rig.stack import Running, data_folder, settle, stack
from kuajie.ports import free_ports

ROUNDS = 5
REQUESTS = 400  # a round; the token of the bare one lives for a minute
AT_ONCE = 4
SLICE_S = 4
DEADLINE = {"X-Request-Deadline-Ms": "2000"}
SCOPES = ("profile:read", "understand", "recommend:read", "offers:read")
PATIENT = {"KUAJIE_GATEWAY_FIRST_STAGE_MS": "1500"}
"""At saturation nothing is cut short: an answer without its sections would be cheaper than the bare one's."""
QUESTION = json.loads(demo.EXAMPLE_CALL)
PEOPLE = [f"demo-user-{number:04d}" for number in range(1, 201)]


@dataclass
class Side:
    """One of the two that are compared."""

    pid: int
    call: Call
    cpu_ms: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)

    async def saturate(self) -> None:
        before = cpu_seconds(self.pid)
        measured = await closed_loop(self.call, requests=REQUESTS, at_once=AT_ONCE)
        self.cpu_ms.append((cpu_seconds(self.pid) - before) / REQUESTS * 1000)
        self.rates.append(measured.rate)


async def compare(running: Running) -> dict[str, object]:
    gateway = running.pids()["gateway"]
    cpu: dict[str, list[float]] = {"ours": [], "bare": []}
    rates: list[float] = []
    for _ in range(ROUNDS):
        with bare_server(running) as (pid, url):
            async with ours(running) as ask_ours, plain(url) as ask_bare:
                sides = {"ours": Side(gateway, ask_ours), "bare": Side(pid, ask_bare)}
                for name, side in sides.items():
                    await closed_loop(side.call, requests=AT_ONCE * 4, at_once=AT_ONCE)
                    await side.saturate()
                    cpu[name] += side.cpu_ms
                rates += sides["ours"].rates
    return report(cpu, rates, *await calm(running, median(rates) / 2))


async def calm(running: Running, rate: float) -> tuple[Measured, Measured]:
    """Ours and the bare one at half of our saturation, in turns, so that a noisy moment hits both."""
    ours_seen, bare_seen = [], []
    with bare_server(running) as (_, url):
        async with ours(running) as ask_ours, plain(url) as ask_bare:
            await closed_loop(ask_bare, requests=AT_ONCE * 4, at_once=AT_ONCE)
            for _ in range(ROUNDS):
                ours_seen.append(await open_loop(ask_ours, requests=int(rate * SLICE_S), rate=rate))
                bare_seen.append(await open_loop(ask_bare, requests=int(rate * SLICE_S), rate=rate))
    return together(ours_seen), together(bare_seen)


def report(cpu: dict[str, list[float]], rates: list[float], ours: Measured, bare: Measured) -> dict[str, object]:
    return {
        "benchmark": "composed_call",
        "gateway_cpu_ms": round(median(cpu["ours"]), 3),
        "bare_cpu_ms": round(median(cpu["bare"]), 3),
        "cpu_ratio": round(median(cpu["ours"]) / median(cpu["bare"]), 2),
        "requests_per_second": round(median(rates), 1),
        "half_load_p50_ms": round(ours.quantile_ms(0.50), 2),
        "half_load_p99_ms": round(ours.quantile_ms(0.99), 2),
        "overhead_p50_ms": round(ours.quantile_ms(0.50) - bare.quantile_ms(0.50), 2),
        "overhead_p99_ms": round(ours.quantile_ms(0.99) - bare.quantile_ms(0.99), 2),
        "rounds": ROUNDS,
        "requests_a_round": REQUESTS,
    }


@contextmanager
def bare_server(running: Running) -> Iterator[tuple[int, str]]:
    """The bare fan-out as a process of its own: its pid and its address."""
    port = free_ports()
    command = [sys.executable, "-m", "bench.rig.bare", str(port)]
    told = {"headers": running.internal_headers(*SCOPES) | DEADLINE, "urls": running.state["services"]}
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        process.stdin.write(json.dumps(told) + "\n")
        process.stdin.flush()
        try:
            yield process.pid, f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()


@asynccontextmanager
async def ours(running: Running) -> AsyncIterator[Call]:
    async with aiohttp.ClientSession(headers=running.headers | DEADLINE) as session:

        async def ask(number: int) -> None:
            async with session.post(f"{running.url}/v1/recommend", json=question(number)) as answer:
                document = await answer.json()
                told = {report["status"] for report in document["sections"].values()}
                if answer.status != 200 or told != {"ok"}:
                    raise RuntimeError(f"{answer.status} {told}")

        yield ask


@asynccontextmanager
async def plain(url: str) -> AsyncIterator[Call]:
    async with aiohttp.ClientSession() as session:

        async def ask(number: int) -> None:
            async with session.post(url, json=question(number)) as answer:
                if answer.status != 200:
                    raise RuntimeError(await answer.text())
                await answer.json()

        await _awake(url)
        yield ask


def question(number: int) -> dict[str, object]:
    return {**QUESTION, "user_id": PEOPLE[number % len(PEOPLE)]}


async def _awake(url: str) -> None:
    """Until somebody listens there; TimeoutError after ten seconds."""
    host, port = url.removeprefix("http://").rstrip("/").split(":")
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection(host, int(port))
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


def main() -> None:
    with data_folder() as folder, stack(folder, demo=True, settings=PATIENT) as running:
        settle(3)
        sys.stdout.write(json.dumps(uvloop.run(compare(running))) + "\n")


if __name__ == "__main__":
    main()
