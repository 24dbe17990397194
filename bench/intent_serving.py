"""The intent service against the limit of its model file, and against LitServe and Mosec with the same file, turn by turn.

Each server is kept to one core with one compute thread, the callers to another; the limit is `session.run` on that same core, with
texts that were tokenised before and batches of the best size. In a round everybody gets the same texts, as single requests and 64 to
a request. Peers do less a text (no calibration, topics, keys, deadlines) and have their own dynamic batching, 16 texts or 5 ms, which
no sweep has chosen. Budget: at least .9 of the limit at saturation and ahead of both peers; a single text at most 1.5 ms over the
limit; at twice the saturation p99 within the deadline, refusals in at most 5 ms. `--peers` adds the peers (an environment is made for
them).
"""

import argparse
import asyncio
import csv
import json
import os
import random
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp
import orjson
import uvloop

from bench.rig.callers import Call, Measured, closed_loop, together
from bench.rig.overload import overload
from bench.rig.servers import JSON, Limit, Server, awake, limit, litserve, mosec, ours, stores
from services.intent.trained.package import newest_shipped

TEXTS = Path(__file__).resolve().parents[1] / "training" / "intent" / "data" / "train_1.csv"
COUNT = 512
MANY = 64
CALLERS = {"single": 64, "batched": 3}
ALONE = 200
LITSERVE = {"batch": 16, "wait_ms": 5}
MOSEC = {"batch": 16, "wait_ms": 5}


@dataclass
class Side:
    """One of those compared: seconds and processor seconds of all texts once, by kind of request, a round each."""

    server: Server
    calls: dict[str, tuple[Call, int]]
    seconds: dict[str, list[float]] = field(default_factory=lambda: {"single": [], "batched": []})
    cpu: dict[str, list[float]] = field(default_factory=lambda: {"single": [], "batched": []})
    alone: list[Measured] = field(default_factory=list)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """The others stand still meanwhile."""
        self.server.signal(signal.SIGCONT)
        try:
            yield
        finally:
            self.server.signal(signal.SIGSTOP)

    async def saturate(self, kind: str) -> None:
        call, requests = self.calls[kind]
        before = self.server.cpu()
        measured = await closed_loop(call, requests=requests, at_once=CALLERS[kind])
        self.seconds[kind].append(measured.seconds)
        self.cpu[kind].append(self.server.cpu() - before)

    async def one_by_one(self) -> None:
        self.alone.append(await closed_loop(self.calls["single"][0], requests=ALONE, at_once=1))


def texts() -> list[str]:
    """Unlike texts of the training data, in a fixed shuffle."""
    with TEXTS.open(encoding="utf-8", newline="") as file:
        found = sorted({row["text"] for row in csv.DictReader(file)})
    return random.Random(0).sample(found, COUNT)


@asynccontextmanager
async def side(server: Server, asked: Sequence[str]) -> AsyncIterator[Side]:
    singles = [orjson.dumps({"texts": [text]}) for text in asked]
    many = [orjson.dumps({"texts": asked[at : at + MANY]}) for at in range(0, len(asked), MANY)]
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=2)  # servers close idle ones after five seconds
    async with aiohttp.ClientSession(headers={**server.headers, **JSON}, connector=connector) as session:

        def post(bodies: Sequence[bytes], expected: int) -> Call:
            async def call(number: int) -> None:
                async with session.post(server.url, data=bodies[number]) as answer:
                    document = orjson.loads(await answer.read())
                    if answer.status != 200 or len(document["results"]) != expected:
                        raise RuntimeError(f"{server.name}: {answer.status} {document}")

            return call

        await awake(session, server)
        calls = {"single": (post(singles, 1), len(singles)), "batched": (post(many, MANY), len(many))}
        for call, requests in calls.values():
            await closed_loop(call, requests=requests // 8 or 1, at_once=1)
        yield Side(server, calls)


async def compare(raw: Limit, servers: Sequence[Server], asked: Sequence[str], rounds: int) -> dict[str, Any]:
    async with contexts(servers, asked) as sides:
        whole: list[dict[str, float]] = []
        alone: list[float] = []
        for each in sides:
            each.server.signal(signal.SIGSTOP)
        for number in range(rounds):
            sys.stderr.write(f"round {number + 1} of {rounds}\n")
            for kind in ("batched", "single"):
                whole.append(await asyncio.to_thread(raw.batched))
                for each in sides:
                    with each.at_work():
                        await each.saturate(kind)
            alone += await asyncio.to_thread(raw.single, ALONE)
            for each in sides:
                with each.at_work():
                    await each.one_by_one()
        for each in sides:
            each.server.signal(signal.SIGCONT)
    base = Measured(alone, sum(alone))
    return {
        "limit": {
            "texts_per_second": round(COUNT / median(each["seconds"] for each in whole), 1),
            "cpu_ms_a_text": round(median(each["cpu"] for each in whole) / COUNT * 1000, 3),
            "batch_tokens": raw.size,
            "alone_p50_ms": round(base.quantile_ms(0.5), 2),
            "alone_p99_ms": round(base.quantile_ms(0.99), 2),
        },
        **{each.server.name: figures(each, whole, base) for each in sides},
    }


async def crowd(server: Server, asked: Sequence[str], log: Path, rate: float) -> dict[str, Any]:
    """Twice of what it can do, on a server that is warm and has nothing else to do."""
    async with side(server, asked):
        return await overload(server, asked, log, rate=rate)


@asynccontextmanager
async def contexts(servers: Sequence[Server], asked: Sequence[str]) -> AsyncIterator[list[Side]]:
    if not servers:
        yield []
        return
    async with side(servers[0], asked) as first, contexts(servers[1:], asked) as others:
        yield [first, *others]


def figures(each: Side, whole: Sequence[dict[str, float]], base: Measured) -> dict[str, Any]:
    """Throughput as a share of the limit, by the clock and by processor time; a single text's time over the limit's."""
    found: dict[str, Any] = {}
    for offset, kind in enumerate(("batched", "single")):
        limits = whole[offset::2]
        shares = [one["seconds"] / mine for one, mine in zip(limits, each.seconds[kind], strict=True)]
        spent = [one["cpu"] / mine for one, mine in zip(limits, each.cpu[kind], strict=True)]
        found[kind] = {
            "texts_per_second": round(COUNT / median(each.seconds[kind]), 1),
            "of_limit": round(median(shares), 3),
            "of_limit_by_cpu": round(median(spent), 3),
            "cpu_ms_a_text": round(median(each.cpu[kind]) / COUNT * 1000, 3),
        }
    mine = together(each.alone)
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        found[f"alone_{name}_ms"] = round(mine.quantile_ms(share), 2)
        found[f"alone_{name}_over_limit_ms"] = round(mine.quantile_ms(share) - base.quantile_ms(share), 2)
    return found


def ahead() -> int:
    """All of this before other work of the machine, where that is allowed: the niceness.

    Linux weighs sessions against each other first (autogroups), and processes inside them.
    """
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text("-10", encoding="ascii")
    try:
        return os.nice(-10)
    except PermissionError:
        return os.nice(0)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.intent_serving")
    parser.add_argument("--peers", action="store_true", help="LitServe and Mosec beside ours")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--model", type=Path, default=newest_shipped())
    chosen = parser.parse_args()
    niceness = ahead()
    cores = sorted(os.sched_getaffinity(0))
    served, callers = (cores[0], cores[1]) if len(cores) > 1 else (None, None)
    asked = texts()
    with stores() as settings, tempfile.TemporaryDirectory() as folder:
        if callers is not None:
            os.sched_setaffinity(0, {callers})
        found = measured(chosen, asked, Path(folder), settings, served)
        with (Path(folder) / "log").open("w") as log, ours(chosen.model, served, settings, log=log) as server:
            rate = 2 * found["ours"]["single"]["texts_per_second"]
            found["overload"] = uvloop.run(crowd(server, asked, Path(log.name), rate))
    known = {"benchmark": "intent_serving", "model": chosen.model.name, "texts": COUNT, "rounds": chosen.rounds}
    pinned = {
        "server_cores": 1 if served is not None else "shared",
        "niceness": niceness,
        "load_average": os.getloadavg()[0],
    }
    sys.stdout.write(json.dumps({**known, **pinned, **found}) + "\n")


def measured(
    chosen: argparse.Namespace, asked: list[str], folder: Path, settings: dict[str, str], served: int | None
) -> dict[str, Any]:
    """The limit, ours and the peers, all of them up at a time and measured in turns."""
    file = folder / "texts.json"
    file.write_text(json.dumps(asked), encoding="utf-8")
    with ExitStack() as stack:
        raw = stack.enter_context(limit(chosen.model, file, served))
        servers = [stack.enter_context(ours(chosen.model, served, settings))]
        if chosen.peers:
            servers.append(stack.enter_context(litserve(chosen.model, served, budget=raw.size, **LITSERVE)))
            servers.append(stack.enter_context(mosec(chosen.model, served, budget=raw.size, **MOSEC)))
        return uvloop.run(compare(raw, servers, asked, chosen.rounds))


if __name__ == "__main__":
    main()
