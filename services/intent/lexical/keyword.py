"""The deterministic keyword model: the stand-in until a trained one is at hand, and for tests. No framework."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.intent.labels import LABELS, OUT_OF_SCOPE, Sentiment
from services.intent.lexical.lexicon import Lexicon, load_lexicon
from services.intent.lexical.opinion import OpinionWords
from services.intent.lexical.phrases import Match, PhraseBook, negated, normalise
from services.intent.model import Appetite, Opinion, Understanding

NEGATION_REACH = 2
"""Characters (Chinese) or words (English) between a negator and what it negates."""

NO_EVIDENCE = 1.0
"""Score of out_of_scope when nothing speaks for it: a label has to beat this to be believed."""

FULL_EVIDENCE = 4.0
SHARPNESS = 1.5


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a text speaks of. `concepts` leaves out negated ones, which are in `denied`; topics come strongest first.

    `about` is the topic that it has as news or a comment, with its odds.
    """

    tokens: int
    concepts: frozenset[str]
    denied: frozenset[str]
    topics: tuple[str, ...]
    about: tuple[str, float]


@dataclass(frozen=True, slots=True)
class Scores:
    """A row a text. `labels` has a column a label; `feeling` is positive minus negative evidence."""

    labels: NDArray[np.float32]
    feeling: NDArray[np.float32]
    declined: NDArray[np.bool_]
    topics: Sequence[tuple[str, ...]]
    about: Sequence[tuple[str, float]]


class KeywordModel:
    """Phrases → concepts → weighted rules → softmax. The same text always gives the same answer."""

    name = "keyword"
    appetite = Appetite(token_budget=16_384, batch_cost=16_384)

    def __init__(self, lexicon: Lexicon | None = None) -> None:
        self._lexicon = lexicon or load_lexicon()
        self._book = PhraseBook(self._lexicon.phrases)
        self._opinions = OpinionWords()
        self.version = self._lexicon.version

    def trouble(self) -> str | None:
        return None

    def topics(self, text: str) -> tuple[str, ...]:
        """What products and domains a text speaks of, strongest first."""
        return self._topics(self._book.matches(normalise(text)))

    def encode(self, texts: Sequence[str]) -> list[Spoken]:
        return [self._spoken(normalise(text)) for text in texts]

    def run(self, batch: Sequence[Spoken]) -> Scores:
        lexicon = self._lexicon
        fired = np.array([[rule.holds(each.concepts) for rule in lexicon.rules] for each in batch], dtype=np.float32)
        labels = fired.reshape(len(batch), len(lexicon.rules)) @ lexicon.weights
        labels[:, LABELS.index(OUT_OF_SCOPE)] += NO_EVIDENCE
        feeling = np.array([self._feeling(each) for each in batch], dtype=np.float32)
        declined = np.array([bool(each.denied & {"buy", "insbuy"}) for each in batch], dtype=np.bool_)
        return Scores(labels, feeling, declined, [each.topics for each in batch], [each.about for each in batch])

    def decode(self, logits: Scores) -> list[Understanding]:
        odds = probabilities(logits.labels)
        best = odds.argmax(axis=1)
        purchase = self._purchase(odds, logits)
        return [
            Understanding(
                label=LABELS[column],
                confidence=round(float(odds[row, column]), 4),
                in_scope=LABELS[column] != OUT_OF_SCOPE,
                sentiment=self._sentiment(float(logits.feeling[row])),
                topics=logits.topics[row],
                purchase=round(float(purchase[row]), 4),
                opinion=self._opinion(logits.about[row], float(logits.feeling[row])),
            )
            for row, column in enumerate(best)
        ]

    def _purchase(self, odds: NDArray[np.float32], logits: Scores) -> NDArray[np.float32]:
        """The labels' priors weighted by their odds, drawn to the base rate where the text says little."""
        lexicon = self._lexicon
        mixed = lexicon.purchase_base + evidence(logits.labels) * (
            odds @ lexicon.purchase_prior - lexicon.purchase_base
        )
        return np.where(logits.declined, mixed * lexicon.declined_factor, mixed).astype(np.float32)

    def _spoken(self, text: str) -> Spoken:
        matches = self._book.matches(text)
        negators = [match for match in matches if "negator" in match.concepts]
        concepts: set[str] = set()
        denied: set[str] = set()
        for match in matches:
            names = set(match.concepts)
            turned = names & self._lexicon.negatable
            if turned and negated(text, match, negators, reach=NEGATION_REACH):
                denied |= turned
                names -= turned
            concepts |= names
        topics, about = self._topics(matches), self._opinions.topic(text)
        return Spoken(max(1, len(text)), frozenset(concepts), frozenset(denied), topics, about)

    def _topics(self, matches: Sequence[Match]) -> tuple[str, ...]:
        length: Counter[str] = Counter()
        for match in matches:
            for topic in {self._lexicon.topics[name] for name in match.concepts if name in self._lexicon.topics}:
                length[topic] += match.end - match.start
        return tuple(topic for topic, _ in sorted(length.items(), key=lambda each: (-each[1], each[0])))

    def _feeling(self, spoken: Spoken) -> float:
        """A denied compliment is a reproach; a denied reproach says little."""
        lexicon = self._lexicon
        praise = sum(weight for name, weight in lexicon.positive.items() if name in spoken.concepts)
        blame = sum(weight for name, weight in lexicon.negative.items() if name in spoken.concepts)
        reproach = sum(weight for name, weight in lexicon.positive.items() if name in spoken.denied)
        return praise - blame - reproach

    def _opinion(self, about: tuple[str, float], feeling: float) -> Opinion:
        """`negative` is at least a half exactly where the sentiment is negative."""
        negative = 1 / (1 + math.exp(feeling + self._lexicon.sentiment_threshold))
        return Opinion(about[0], round(about[1], 4), round(negative, 4))

    def _sentiment(self, feeling: float) -> Sentiment:
        if feeling >= self._lexicon.sentiment_threshold:
            return "positive"
        return "negative" if feeling <= -self._lexicon.sentiment_threshold else "neutral"


def evidence(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much the text says, a row: from 0 to 1 (`FULL_EVIDENCE` and more)."""
    share: NDArray[np.float32] = np.clip(scores.max(axis=1) / FULL_EVIDENCE, 0.0, 1.0).astype(np.float32)
    return share


def probabilities(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Softmax a row, the sharper the more evidence there is for the best label.

    With little evidence many labels are about equally likely, and the confidence says so.
    """
    gaps = scores - scores.max(axis=1, keepdims=True)
    odds = np.exp(SHARPNESS * evidence(scores)[:, np.newaxis] * gaps)
    normalised: NDArray[np.float32] = (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)
    return normalised
