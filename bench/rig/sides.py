"""Those that are compared: a server, what is asked of it one text and many at a time, and what that took."""

import csv
import random
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import orjson

from bench.rig.callers import Call, Measured, closed_loop
from bench.rig.servers import Server
from bench.rig.wire import Wire, awake

TEXTS = Path(__file__).resolve().parents[2] / "training" / "intent" / "data" / "train_1.csv"
COUNT = 512
MANY = 64
ALONE = 200
Kind = Literal["single", "batched"]
KINDS: tuple[Kind, ...] = ("batched", "single")
CALLERS: dict[Kind, int] = {"single": 128, "batched": 3}
"""In a closed loop: with single texts, as many as ours looks at for its next batch."""


@dataclass
class Side:
    """Seconds and processor seconds of all texts once, by kind of request, a round each."""

    server: Server
    calls: dict[Kind, tuple[Call, int]]
    seconds: dict[Kind, list[float]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    cpu: dict[Kind, list[float]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    alone: list[Measured] = field(default_factory=list)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """The others stand still meanwhile."""
        self.server.signal(signal.SIGCONT)
        try:
            yield
        finally:
            self.server.signal(signal.SIGSTOP)

    async def saturate(self, kind: Kind) -> None:
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
    """Awake and warm."""
    async with Wire(server) as wire:

        def post(bodies: Sequence[bytes], expected: int) -> Call:
            requests = [wire.request(body) for body in bodies]

            async def call(number: int) -> None:
                answer = await wire.ask(requests[number])
                if answer.status != 200 or len(orjson.loads(answer.body)["results"]) != expected:
                    raise RuntimeError(f"{server.name}: {answer.status} {answer.body!r}")

            return call

        await awake(wire)
        singles = [orjson.dumps({"texts": [text]}) for text in asked]
        many = [orjson.dumps({"texts": asked[at : at + MANY]}) for at in range(0, len(asked), MANY)]
        calls: dict[Kind, tuple[Call, int]] = {
            "single": (post(singles, 1), len(singles)),
            "batched": (post(many, MANY), len(many)),
        }
        for call, requests in calls.values():
            await closed_loop(call, requests=requests // 8 or 1, at_once=1)
        yield Side(server, calls)
