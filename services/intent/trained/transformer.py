"""A trained model: encode with its tokenizer, run with onnxruntime, decode with its calibration. Needs no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from services.intent.labels import OPINION_TOPICS, OUT_OF_SCOPE, Sentiment
from services.intent.lexical.keyword import KeywordModel
from services.intent.model import Appetite, Model, ModelRefused, Opinion, Understanding
from services.intent.trained.buckets import Integers
from services.intent.trained.confidence import STRAIGHT, Floats, bent, known_score, softmax
from services.intent.trained.embedding import Embedding, Tokens, Vectors, embeds
from services.intent.trained.outputs import DISTANCE, EMBEDDING, logits_of
from services.intent.trained.package import Package, read_package
from services.intent.trained.provider import CPU, Files, Runtime, Session, Wanted, open_session
from services.intent.trained.running import BoundRunner, PlainRunner, Runner
from services.intent.trained.tokens import cut, open_tokenizer
from services.intent.trained.written_form import written_form
from services.kit.telemetry import get_logger

log = get_logger(__name__)

BUY = "buy"
TOLD_BY_WORDS = ("sentiment", "purchase", "topic")
AT_ONCE = 192
"""Bytes whose tokens take 0.02 to 0.08 ms, with no thread woken: most texts that somebody types."""
ON_CPU = Appetite(token_budget=256, batch_cost=8, encoded_at_once=AT_ONCE)
"""Measured on one core: from 256 to 640 tokens a batch costs the least a token, at 2,048 up to a fifth more. A batch by itself costs
10 tokens' time of the model that ships, 4 of one in blocks; in a simulated queue 6 to 14 are as good as each other for both."""
ON_ACCELERATOR = Appetite(token_budget=16_384, batch_cost=2_000, encoded_at_once=AT_ONCE)
"""Not measured, for want of a GPU: launching the kernels of a small encoder takes about as long as computing that many tokens."""
SENTIMENTS = frozenset({"negative", "neutral", "positive"})


@dataclass(frozen=True, slots=True)
class Read:
    """A text, and its token ids."""

    text: str
    ids: Sequence[int]

    @property
    def tokens(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Logits of shape (texts, classes) by task, and the distance, of shape (texts, 1), where scope is judged by it.

    The embedding, of shape (texts, width) and unit length, where it was asked for.
    """

    logits: Mapping[str, Floats]
    read: Sequence[Read]
    distance: Floats | None = None
    embedding: Floats | None = None


class OnnxModel:
    """One package at work. Topics come from the lexicon; so do sentiment, purchase and opinion where the model has no such task."""

    def __init__(
        self,
        folder: Path,
        wanted: Wanted,
        *,
        keyword: KeywordModel | None = None,
        runtime: Runtime | None = None,
        memory: str = "cuda",
    ) -> None:
        """Raises `ModelRefused` when the package is damaged, or does not run on what is required.

        `runtime` is the onnxruntime at hand; `memory` is its name for what an accelerator reads and writes.
        """
        self.package: Package = read_package(folder)
        self.name = self.package.description.name
        self.version = self.package.manifest.version
        files = Files(self.package.cpu_file, self.package.accelerator_file)
        self.session: Session = open_session(files, wanted, runtime)
        self._tokenizer = open_tokenizer(self.package)
        self._keyword = keyword or KeywordModel()
        self._tasks = _tasks(self.package)
        self.raw_outputs: dict[str, int] = _widths(self.package, self.session.session)
        """Widths of what `raw` gives, by name."""
        self._told = [name for name in self.raw_outputs if name != EMBEDDING]
        self._runner = self._begin(wanted, memory)
        self._lost = False
        classes = self.package.description.classes["intent"]
        self._stranger = classes.index(OUT_OF_SCOPE) if OUT_OF_SCOPE in classes else -1
        self._tells_all = set(TOLD_BY_WORDS) <= set(self._tasks)

    @property
    def appetite(self) -> Appetite:
        return ON_CPU if self.session.runs_on == CPU else ON_ACCELERATOR

    def embedding(self) -> Model[Tokens, Vectors, Vectors] | None:
        """The same encoder as a model of embeddings; None where the graph has no such output."""
        return (
            Embedding(self.package, self._tokenizer, self._runner, self.appetite)
            if embeds(self.session.session)
            else None
        )

    def encode(self, texts: Sequence[str]) -> list[Read]:
        prefix, most = self.package.description.prefix, self.package.description.max_tokens
        read = self._tokenizer.encode_batch_fast([prefix + written_form(text) for text in texts])
        return [Read(text, cut(each, most)) for text, each in zip(texts, read, strict=True)]

    def run(self, batch: Sequence[Read]) -> Outcome:
        return self._outcome(batch, self._told)

    def run_raw(self, batch: Sequence[Read]) -> Outcome:
        """As `run`, with the embedding where the model gives one."""
        return self._outcome(batch, list(self.raw_outputs))

    def _outcome(self, batch: Sequence[Read], names: Sequence[str]) -> Outcome:
        found = dict(zip(names, self._run(batch, names), strict=True))
        logits = {task: found[logits_of(task)] for task in self._tasks}
        return Outcome(logits, batch, found.get(DISTANCE), found.get(EMBEDDING))

    def raw(self, logits: Outcome) -> list[dict[str, Floats]]:
        """All outputs of each text, by name."""
        found = {logits_of(task): rows for task, rows in logits.logits.items()}
        found |= {} if logits.distance is None else {DISTANCE: logits.distance}
        found |= {} if logits.embedding is None else {EMBEDDING: logits.embedding}
        return [{name: rows[place] for name, rows in found.items()} for place in range(len(logits.read))]

    def _run(self, batch: Sequence[Read], names: Sequence[str]) -> list[Floats]:
        ids, mask = padded([each.ids for each in batch], self.package.description.pad_id)
        try:
            return self._runner.run(ids, mask, names)
        except Exception:
            self._lost = self._lost or self._is_lost()
            raise

    def trouble(self) -> str | None:
        return f"device_lost: {self.session.runs_on} computes no more" if self._lost else None

    def _is_lost(self) -> bool:
        """Whether an accelerator fails even at a single token: a batch that was too large for its memory is no loss."""
        if self.session.runs_on == CPU:
            return False
        try:
            self._runner.run(np.zeros((1, 1), dtype=np.int64), np.ones((1, 1), dtype=np.int64), list(self.raw_outputs))
        except Exception as error:  # noqa: BLE001  onnxruntime's errors have no ancestor of their own; from now on the service is not ready
            log.error("device_lost", runs_on=self.session.runs_on, kind=type(error).__name__)
            return True
        return False

    def _begin(self, wanted: Wanted, memory: str) -> Runner:
        """On an accelerator every bucket is run before anybody waits for one."""
        if self.session.runs_on == CPU:
            return PlainRunner(self.session.session)
        pad_id = self.package.description.pad_id
        runner = BoundRunner(self.session.session, self.raw_outputs, wanted.gpu, pad_id=pad_id, device=memory)
        runner.warm_up()
        return runner

    def decode(self, logits: Outcome) -> list[Understanding]:
        classes = self.package.description.classes["intent"]
        odds = self._probabilities("intent", logits)
        best = odds.argmax(axis=1)
        known = self._known(logits) & (best != self._stranger)
        topics, words = self._words([each.text for each in logits.read])
        return [
            Understanding(classes[column], confidence, in_scope, sentiment, spoken_of, purchase, opinion)
            for column, confidence, in_scope, sentiment, spoken_of, purchase, opinion in zip(
                best.tolist(),
                _rounded(self._sure("intent", odds)),
                known.tolist(),
                self._sentiments(logits, words),
                topics,
                self._purchases(logits, words),
                self._opinions(logits, words),
                strict=True,
            )
        ]

    def scope_scores(self, outcome: Outcome) -> Floats:
        """How much each text looks like something known; shape (texts,)."""
        told, logits = self.package.description, outcome.logits["intent"]
        return known_score(logits, outcome.distance, told.classes["intent"], told.temperatures["intent"])

    def _known(self, outcome: Outcome) -> NDArray[np.bool_]:
        """Which texts look like something known; shape (texts,)."""
        threshold = self.package.description.scope_threshold
        if threshold is None:
            return np.ones(len(outcome.read), dtype=np.bool_)
        return np.asarray(self.scope_scores(outcome) >= threshold)

    def _words(self, texts: Sequence[str]) -> tuple[list[tuple[str, ...]], list[Understanding]]:
        """What the lexicon says: topics, and where the model has no head for something, all.

        A batch at a time: where each text arrives, its code and phrases would have left the caches since the text before.
        """
        if self._tells_all:
            return [self._keyword.topics(text) for text in texts], []
        words = self._keyword.decode(self._keyword.run(self._keyword.encode(texts)))
        return [each.topics for each in words], words

    def _probabilities(self, task: str, outcome: Outcome) -> Floats:
        return softmax(outcome.logits[task], self.package.description.temperatures[task])

    def _sure(self, task: str, odds: Floats) -> Floats:
        """How sure the best label of each text is, shape (texts,)."""
        return bent(odds.max(axis=1), self.package.description.confidence.get(task, STRAIGHT))

    def _sentiments(self, outcome: Outcome, words: Sequence[Understanding]) -> list[Sentiment]:
        if "sentiment" not in outcome.logits:
            return [each.sentiment for each in words]
        names = self.package.description.classes["sentiment"]
        return [cast("Sentiment", names[best]) for best in outcome.logits["sentiment"].argmax(axis=1).tolist()]

    def _purchases(self, outcome: Outcome, words: Sequence[Understanding]) -> list[float]:
        if "purchase" not in outcome.logits:
            return [each.purchase for each in words]
        column = self.package.description.classes["purchase"].index(BUY)
        return _rounded(self._probabilities("purchase", outcome)[:, column])

    def _opinions(self, outcome: Outcome, words: Sequence[Understanding]) -> list[Opinion]:
        """Topic and share of the negative, each from its head, or from the lexicon where the model has none."""
        topics = [each.opinion.topic for each in words]
        sure = [each.opinion.confidence for each in words]
        negatives = [each.opinion.negative for each in words]
        if "topic" in outcome.logits:
            names, odds = self.package.description.classes["topic"], self._probabilities("topic", outcome)
            topics, sure = [names[best] for best in odds.argmax(axis=1).tolist()], _rounded(self._sure("topic", odds))
        if "sentiment" in outcome.logits:
            column = self.package.description.classes["sentiment"].index("negative")
            negatives = _rounded(self._probabilities("sentiment", outcome)[:, column])
        return [Opinion(*each) for each in zip(topics, sure, negatives, strict=True)]


def _widths(package: Package, session: Any) -> dict[str, int]:
    """The outputs that are made use of, each with its number of columns; raises `ModelRefused` when one is missing."""
    given = {each.name: each.shape[-1] for each in session.get_outputs()}
    widths = {logits_of(task): len(names) for task, names in package.description.classes.items()}
    if package.description.scope == "distance":
        widths[DISTANCE] = 1
    if missing := widths.keys() - given.keys():
        raise ModelRefused(f"the graph of {package.folder.name} has no output {', '.join(sorted(missing))}")
    if unlike := [name for name, width in widths.items() if isinstance(given[name], int) and given[name] != width]:
        raise ModelRefused(
            f"the graph of {package.folder.name} has other classes than its description: {', '.join(unlike)}"
        )
    width = given.get(EMBEDDING)  # a name instead of a number where the graph does not say
    return widths | ({EMBEDDING: width} if isinstance(width, int) else {})


def _rounded(shares: Floats) -> list[float]:
    """To four decimals, as they are told."""
    return [round(share, 4) for share in shares.tolist()]


def padded(rows: Sequence[Sequence[int]], pad_id: int) -> tuple[Integers, Integers]:
    """Ids and mask of shape (rows, longest)."""
    longest = max(1, *(len(row) for row in rows))
    ids = np.full((len(rows), longest), pad_id, dtype=np.int64)
    mask = np.zeros((len(rows), longest), dtype=np.int64)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = row
        mask[place, : len(row)] = 1
    return ids, mask


def _tasks(package: Package) -> tuple[str, ...]:
    """The model's tasks; raises `ModelRefused` when one has classes that the answer has no word for."""
    classes = package.description.classes
    if not set(classes.get("sentiment", ())) <= SENTIMENTS:
        raise ModelRefused(f"{package.folder.name} has sentiments other than {', '.join(sorted(SENTIMENTS))}")
    if "sentiment" in classes and "negative" not in classes["sentiment"]:
        raise ModelRefused(f"{package.folder.name} tells sentiment without the class negative")
    if not set(classes.get("topic", ())) <= set(OPINION_TOPICS):
        raise ModelRefused(f"{package.folder.name} has topics other than {', '.join(OPINION_TOPICS)}")
    if "purchase" in classes and BUY not in classes["purchase"]:
        raise ModelRefused(f"{package.folder.name} tells purchase without the class {BUY}")
    return tuple(classes)
