"""A batcher over a model that answers with capitals, held back at will, and a ledger of what it told."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from services.intent.model import Appetite
from services.intent.serving.batcher import Batcher, BatchReport
from services.intent.serving.waiting import Limits, Priority


@dataclass(frozen=True)
class Encoded:
    text: str

    @property
    def tokens(self) -> int:
        return max(1, len(self.text))


APPETITE = Appetite(token_budget=100, batch_cost=100)


@dataclass
class EchoModel:
    """Answers every text with itself in capitals. `gate` holds `run` back; `batches` is what ran."""

    name: str = "echo"
    version: str = "1"
    appetite: Appetite = APPETITE
    gate: threading.Event = field(default_factory=threading.Event)
    batches: list[list[str]] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)
    slow_to_read: str = ""

    def open(self) -> "EchoModel":
        self.gate.set()
        return self

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        self.threads.add(threading.current_thread().name.split("_")[0])
        if "unreadable" in texts:
            raise LookupError
        if "unreadable, over" in texts:
            raise StopIteration
        if "unreadable, exit" in texts:
            raise SystemExit
        if self.slow_to_read in texts:
            assert self.gate.wait(60)
        return [Encoded(text) for text in texts if text != "lost"]

    def run(self, batch: Sequence[Encoded]) -> list[str]:
        self.threads.add(threading.current_thread().name.split("_")[0])
        self.batches.append([each.text for each in batch])
        if "poison" in self.batches[-1]:
            raise ZeroDivisionError
        if "exit" in self.batches[-1]:
            raise SystemExit
        if "over" in self.batches[-1]:
            raise StopIteration
        assert self.gate.wait(60)
        return [each.text for each in batch]

    def decode(self, logits: list[str]) -> list[str]:
        return [] if "mute" in logits else [text.upper() for text in logits]


@dataclass
class Ledger:
    """Remembers what the batcher told."""

    reports: list[BatchReport] = field(default_factory=list)
    dropped_texts: Counter[str] = field(default_factory=Counter)
    refused_texts: int = 0
    pending_texts: int = 0

    def pending(self, texts: int) -> None:
        self.pending_texts = texts

    def encoded(self, seconds: float) -> None:
        assert seconds >= 0

    def computed(self, report: BatchReport) -> None:
        self.reports.append(report)

    def refused(self, texts: int) -> None:
        self.refused_texts += texts

    def dropped(self, texts: int, reason: str) -> None:
        self.dropped_texts[reason] += texts


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


class House:
    """A batcher with its model, ledger and clock."""

    def __init__(
        self, model: EchoModel | None = None, *, drain_s: float = 5.0, yielding: bool = False, **limits: int
    ) -> None:
        self.model = model or EchoModel()
        self.ledger = Ledger()
        self.clock = Clock()
        sizes = {"token_budget": 100, "batch_texts": 8, "queue_texts": 16} | limits
        self.batcher = Batcher(
            self.model,
            self.ledger,
            limits=Limits(**sizes),
            drain_s=drain_s,
            yielding=yielding,
            clock=self.clock,
            encoders=1,
        )

    def ask(
        self, *texts: str, within: float = 60.0, priority: Priority = Priority.INTERACTIVE
    ) -> "asyncio.Task[list[str]]":
        return asyncio.create_task(self.batcher.submit(texts, expires=self.clock.now + within, priority=priority))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.001)


async def hold(house: House, text: str = "first") -> "asyncio.Task[list[str]]":
    """A request that occupies the model until its gate opens."""
    task = house.ask(text)
    await until(lambda: [text] in house.model.batches)
    return task


async def queued(house: House, texts: int) -> None:
    """Wait until `texts` texts stand in the queue behind the one that is computed."""
    await until(lambda: len(house.batcher._waiting) == texts)
