"""Topic and sentiment of texts by the model that ships, away from the service."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from services.intent.labels import OPINION_TOPICS
from services.intent.lexical.keyword import KeywordModel
from services.intent.model import ModelRefused
from services.intent.trained.package import can_run, newest_shipped
from services.intent.writing import MAX_DOCUMENT_CHARS, unwritten

__all__ = ["MAX_DOCUMENT_CHARS", "OPINION_TOPICS", "ModelRefused", "Said", "open_reader", "read_texts", "unwritten"]

BATCH = 32
LONGEST = 2_000


class Reader(Protocol):
    """The three verbs of a model, as far as they are needed here."""

    name: str
    version: str

    def encode(self, texts: Sequence[str]) -> Sequence[Any]: ...
    def run(self, batch: Any) -> Any: ...
    def decode(self, logits: Any) -> Sequence[Any]: ...


@dataclass(frozen=True, slots=True)
class Said:
    """What a text is about, and how it is said."""

    topic: str
    sentiment: str


def open_reader(folder: Path | None) -> Reader:
    """The model of `folder`, else the newest that ships where onnxruntime is installed, else keywords. Raises `ModelRefused`."""
    chosen = folder or (newest_shipped() if can_run() else None)
    if chosen is None:
        return KeywordModel()
    from services.intent.trained.provider import Wanted
    from services.intent.trained.transformer import OnnxModel

    return OnnxModel(chosen, Wanted("cpu", "CUDAExecutionProvider", 1))


def read_texts(reader: Reader, texts: Sequence[str], advance: Callable[[int], None]) -> list[Said]:
    """What each text says, in order; texts of like length are computed together."""
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    said: dict[int, Said] = {}
    for places in _batches(order):
        encoded = reader.encode([texts[place][:LONGEST] for place in places])
        ranked = sorted(range(len(places)), key=lambda at: encoded[at].tokens)
        answers = reader.decode(reader.run([encoded[at] for at in ranked]))
        for at, answer in zip(ranked, answers, strict=True):
            said[places[at]] = Said(answer.opinion.topic, answer.sentiment)
        advance(len(places))
    return [said[place] for place in range(len(texts))]


def _batches(order: Sequence[int]) -> Iterator[Sequence[int]]:
    for begin in range(0, len(order), BATCH):
        yield order[begin : begin + BATCH]
