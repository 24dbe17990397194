"""What news and comments are about, by words alone: a stand-in for models without a head for topics. No framework.

It counts characters of phrases and knows no grammar; docs/monitor.md says how often it is right.
"""

import json
import math
from collections import Counter
from pathlib import Path

from services.intent.labels import OPINION_TOPICS
from services.intent.lexical.phrases import PhraseBook

SHIPPED = Path(__file__).with_name("opinion.json")
NO_EVIDENCE = "other"

STEEPNESS = 0.5
"""How fast a topic's odds grow with the letters that speak for it; an ideogram counts for three."""

LETTERS_PER_IDEOGRAM = 3
MOST_LETTERS = 40


class OpinionWords:
    """The topic that most of a text's phrases speak of; the same text always gives the same answer."""

    def __init__(self, path: Path = SHIPPED) -> None:
        """Raises ValueError for a topic that does not exist."""
        spoken: dict[str, list[str]] = {}
        for topic, phrases in json.loads(path.read_bytes()).items():
            if topic not in OPINION_TOPICS:
                raise ValueError(f"unknown topic {topic!r}")
            for phrase in [*phrases["zh"], *phrases["en"]]:
                spoken.setdefault(phrase, []).append(topic)
        self._book = PhraseBook(spoken)

    def topic(self, text: str) -> tuple[str, float]:
        """The topic of normalised `text`, and a softmax over what speaks for each topic; `other` where nothing does."""
        length: Counter[str] = Counter()
        for match in self._book.matches(text):
            phrase = text[match.start : match.end]
            for topic in match.concepts:
                length[topic] += len(phrase) * (1 if phrase.isascii() else LETTERS_PER_IDEOGRAM)
        if not length:
            return NO_EVIDENCE, 1 / len(OPINION_TOPICS)
        odds = {topic: math.exp(STEEPNESS * min(length[topic], MOST_LETTERS)) for topic in OPINION_TOPICS}
        best = max(OPINION_TOPICS, key=lambda topic: odds[topic])
        return best, odds[best] / sum(odds.values())
