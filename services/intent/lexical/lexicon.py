"""What the keyword model knows: concepts with their phrases, and rules from concepts to labels. Data, read from JSON."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.intent.labels import LABELS, TOPICS

SHIPPED = Path(__file__).with_name("keywords.json")


class CorruptLexicon(Exception):
    """The file cannot be a lexicon; the message says where."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Adds `weight` to `label` when every concept of `needs` is spoken of and none of `unless`."""

    label: str
    needs: frozenset[str]
    unless: frozenset[str]

    def holds(self, concepts: frozenset[str]) -> bool:
        return self.needs <= concepts and not self.unless & concepts


@dataclass(frozen=True, slots=True)
class Lexicon:
    """`weights` has a row a rule and a column a label; mappings are keyed by concept."""

    version: str
    phrases: Mapping[str, tuple[str, ...]]
    topics: Mapping[str, str]
    rules: tuple[Rule, ...]
    weights: NDArray[np.float32]
    negatable: frozenset[str]
    positive: Mapping[str, float]
    negative: Mapping[str, float]
    sentiment_threshold: float
    purchase_base: float
    purchase_prior: NDArray[np.float32]
    declined_factor: float


def load_lexicon(path: Path = SHIPPED) -> Lexicon:
    """Read and check a lexicon. The version ends with a digest of the file, so that any edit changes it."""
    raw = path.read_bytes()
    try:
        document = json.loads(raw)
        return _lexicon(document, hashlib.sha256(raw).hexdigest()[:8])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorruptLexicon(f"{path.name}: {error!r}") from error


def _lexicon(document: Mapping[str, Any], digest: str) -> Lexicon:
    concepts: Mapping[str, Mapping[str, Any]] = document["concepts"]
    rules, weights = _rules(document["rules"], frozenset(concepts))
    purchase, sentiment = document["purchase"], document["sentiment"]
    return Lexicon(
        version=f"{document['version']}-{digest}",
        phrases=_phrases(concepts),
        topics={name: _known(each["topic"], TOPICS) for name, each in concepts.items() if "topic" in each},
        rules=rules,
        weights=weights,
        negatable=frozenset(_known(name, concepts) for name in document["negatable"]),
        positive={_known(name, concepts): float(weight) for name, weight in sentiment["positive"].items()},
        negative={_known(name, concepts): float(weight) for name, weight in sentiment["negative"].items()},
        sentiment_threshold=float(sentiment["threshold"]),
        purchase_base=float(purchase["base"]),
        purchase_prior=_priors(purchase["prior"], float(purchase["base"])),
        declined_factor=float(purchase["negated_buy_factor"]),
    )


def _phrases(concepts: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """Phrase → the concepts it speaks of, implied ones included."""
    spoken: dict[str, list[str]] = {}
    for name, each in concepts.items():
        implied = [_known(other, concepts) for other in each.get("implies", [])]
        for phrase in [*each.get("zh", []), *each.get("en", [])]:
            spoken.setdefault(phrase, []).extend([name, *implied])
    return {phrase: tuple(dict.fromkeys(names)) for phrase, names in spoken.items()}


def _rules(
    document: Mapping[str, list[Mapping[str, Any]]], concepts: frozenset[str]
) -> tuple[tuple[Rule, ...], NDArray[np.float32]]:
    rules: list[Rule] = []
    entries: list[tuple[int, float]] = []
    for label, each in ((label, each) for label, some in document.items() for each in some):
        needs = frozenset(_known(name, concepts) for name in each["all"])
        unless = frozenset(_known(name, concepts) for name in each.get("none", []))
        rules.append(Rule(_known(label, LABELS), needs, unless))
        entries.append((LABELS.index(label), float(each["weight"])))
    weights = np.zeros((len(rules), len(LABELS)), dtype=np.float32)
    for row, (column, weight) in enumerate(entries):
        weights[row, column] = weight
    return tuple(rules), weights


def _priors(document: Mapping[str, float], base: float) -> NDArray[np.float32]:
    prior = np.full(len(LABELS), base, dtype=np.float32)
    for label, value in document.items():
        prior[LABELS.index(_known(label, LABELS))] = value
    return prior


def _known(name: str, names: "frozenset[str] | tuple[str, ...] | Mapping[str, Any]") -> str:
    if name not in names:
        raise ValueError(f"unknown name {name!r}")
    return name
