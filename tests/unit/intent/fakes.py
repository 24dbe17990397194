"""Versions without files, and an observer that remembers."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from services.intent.lexical.keyword import KeywordModel, Scores, Spoken
from services.intent.model import ModelRefused, Understanding
from services.intent.serving.agreement import Agreement, Language
from services.intent.serving.batcher import BatchReport
from services.intent.serving.desired import State
from services.intent.serving.library import Known


class Version(KeywordModel):
    """The keyword model under another version, counting the texts that reach it. `wait…` waits until `gate` is open."""

    def __init__(self, version: str, *, label: str | None = None) -> None:
        super().__init__()
        self.version = version
        self.seen: list[str] = []
        self.gate = threading.Event()
        self.entered = threading.Event()
        self._label = label

    def encode(self, texts: Sequence[str]) -> list[Spoken]:
        self.seen += texts
        spoken = zip(super().encode(texts), texts, strict=True)
        return [replace(each, topics=("wait",)) if text.startswith("wait") else each for each, text in spoken]

    def run(self, batch: Sequence[Spoken]) -> Scores:
        if any(each.topics == ("wait",) for each in batch):
            self.entered.set()
            assert self.gate.wait(60)
        return super().run(batch)

    def decode(self, logits: Scores) -> list[Understanding]:
        said = super().decode(logits)
        return said if self._label is None else [replace(each, label=self._label) for each in said]


class Broken(Version):
    """Opens, and fails at its first text."""

    def run(self, batch: Sequence[Spoken]) -> Scores:
        raise OSError


@dataclass
class Shelf:
    """A library whose versions a test puts there. Opening a `held` one waits until it is let go."""

    models: dict[str, Version] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    barred: dict[str, str] = field(default_factory=dict)
    held: dict[str, threading.Event] = field(default_factory=dict)
    signatures: dict[str, int] = field(default_factory=dict)
    opened: list[str] = field(default_factory=list)
    by_default: str = "a"

    @classmethod
    def of(cls, *models: Version) -> "Shelf":
        return cls({model.version: model for model in models})

    def known(self) -> Mapping[str, Known]:
        return {
            version: Known(
                version,
                "published",
                signature=(("", 0, self.signatures.get(version, 0)),),
                barred=self.barred.get(version),
            )
            for version in self.models
        }

    def default(self) -> str:
        return self.by_default

    def check(self, known: Known) -> None:
        if known.version in self.refused:
            raise ModelRefused(self.refused[known.version])

    def open(self, known: Known) -> Version:
        self.opened.append(known.version)
        if known.version in self.held:
            assert self.held[known.version].wait(60)
        self.check(known)
        return self.models[known.version]


@dataclass
class Notes:
    """What a registry, an engine and a shadow were heard to say."""

    hits: int = 0
    misses: int = 0
    encodings: int = 0
    successes: int = 0
    failures: list[str] = field(default_factory=list)
    swaps: int = 0
    refusals: list[str] = field(default_factory=list)
    states: Mapping[str, State] = field(default_factory=dict)
    agreements: list[tuple[str, Language, Agreement]] = field(default_factory=list)
    shadow_dropped: int = 0
    shadow_failed: int = 0

    def version(self, name: str, version: str) -> "Served":
        return Served(self)

    def shadow(self, version: str) -> "Shadowing":
        return Shadowing(self)

    def loaded(self, version: str, seconds: float) -> None: ...

    def swapped(self) -> None:
        self.swaps += 1

    def refused(self, version: str) -> None:
        self.refusals.append(version)

    def stand(self, states: Mapping[str, State]) -> None:
        self.states = states


@dataclass
class Served:
    """The observer of one version."""

    notes: Notes

    def looked_up(self, *, hits: int, misses: int) -> None:
        self.notes.hits += hits
        self.notes.misses += misses

    def succeeded(self) -> None:
        self.notes.successes += 1

    def failed(self, reason: str) -> None:
        self.notes.failures.append(reason)

    def encoded(self, seconds: float) -> None:
        self.notes.encodings += 1

    def released(self) -> None: ...
    def computed(self, report: BatchReport) -> None: ...
    def pending(self, texts: int) -> None: ...
    def refused(self, texts: int) -> None: ...
    def dropped(self, texts: int, reason: str) -> None: ...


@dataclass
class Shadowing:
    """The observer of a shadow."""

    notes: Notes

    def compared(self, against: str, language: Language, agreement: Agreement) -> None:
        self.notes.agreements.append((against, language, agreement))

    def dropped(self) -> None:
        self.notes.shadow_dropped += 1

    def failed(self, texts: int) -> None:
        self.notes.shadow_failed += texts
