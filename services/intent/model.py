"""What the engine needs of a model, and what a model says about a text. No framework."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from services.intent.labels import Sentiment


class ModelRefused(Exception):
    """A model that cannot be served; the message says why, to whoever asks whether the service is ready."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """A text read as news or a comment. `confidence` is the probability of the topic, `negative` that of the sentiment."""

    topic: str
    confidence: float
    negative: float


@dataclass(frozen=True, slots=True)
class Understanding:
    """What one text says. `confidence` and `purchase` are probabilities; `topics` are ordered, strongest first."""

    label: str
    confidence: float
    in_scope: bool
    sentiment: Sentiment
    topics: tuple[str, ...]
    purchase: float
    opinion: Opinion


@dataclass(frozen=True, slots=True)
class Appetite:
    """Which batches suit a model, in its tokens.

    At the padded size `token_budget` a token costs it the least. `batch_cost` is what a batch costs beside its tokens: the time of
    that many of them. Requests of up to `encoded_at_once` bytes of text are encoded where they arrive: that costs less than to hand
    them to a thread.
    """

    token_budget: int
    batch_cost: int
    encoded_at_once: int = 0


class Encoded(Protocol):
    """A text made ready for the model. `tokens` is its length in the model's own unit, at least 1."""

    @property
    def tokens(self) -> int: ...


E = TypeVar("E", bound=Encoded)
L = TypeVar("L")
A = TypeVar("A")
A_co = TypeVar("A_co", covariant=True)


class Model(Protocol[E, L, A_co]):
    """Three verbs; the batcher knows nothing else about a model.

    Each verb is called on threads of the batcher's own, `encode` on several at once, so they share no mutable state.
    """

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str:
        """Changes whenever an answer could."""

    @property
    def appetite(self) -> Appetite: ...

    def trouble(self) -> str | None:
        """Why it should get no texts any more, as when its device is lost; None while it is well."""

    def encode(self, texts: Sequence[str]) -> Sequence[E]:
        """One feature value a text, in order."""

    def run(self, batch: Sequence[E]) -> L:
        """The forward pass. The batch comes sorted by `tokens`, so that padding is small."""

    def decode(self, logits: L) -> Sequence[A_co]:
        """One answer for each feature value that was given to `run`, in the same order."""
