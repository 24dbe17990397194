"""Prometheus metrics of the engine, named after Triton's (queue, compute input, compute infer, compute output)."""

from collections import defaultdict
from collections.abc import Container, Mapping
from functools import partial

from prometheus_client import Counter, Gauge, Histogram

from services.intent.serving.agreement import Agreement, Language, Tally
from services.intent.serving.batcher import BatchReport
from services.intent.serving.desired import State

_BUCKETS_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
_PREFIX = "kuajie_intent_inference"
_LABELS = ["model", "version"]

QUEUE = Histogram(f"{_PREFIX}_queue_duration_seconds", "Time a text waits for its batch.", _LABELS, buckets=_BUCKETS_S)
INPUT = Histogram(
    f"{_PREFIX}_compute_input_duration_seconds", "Time to encode the texts of a request.", _LABELS, buckets=_BUCKETS_S
)
INFER = Histogram(f"{_PREFIX}_compute_infer_duration_seconds", "Forward pass of a batch.", _LABELS, buckets=_BUCKETS_S)
OUTPUT = Histogram(f"{_PREFIX}_compute_output_duration_seconds", "Decoding a batch.", _LABELS, buckets=_BUCKETS_S)
COUNT = Counter(f"{_PREFIX}_count_total", "Texts that went through the model.", _LABELS)
EXECUTIONS = Counter(f"{_PREFIX}_exec_count_total", "Batches that went through the model.", _LABELS)
TOKENS = Counter(f"{_PREFIX}_tokens_total", "Tokens that were computed, padding included or not.", [*_LABELS, "kind"])
PENDING = Gauge(f"{_PREFIX}_pending_texts", "Texts taken in that have no answer yet.", _LABELS)
_PENDING: dict[tuple[str, str], int] = defaultdict(int)
REFUSED = Counter(f"{_PREFIX}_refused_texts_total", "Texts refused at a full queue.", _LABELS)
DROPPED = Counter(f"{_PREFIX}_dropped_texts_total", "Texts taken in and not answered, by reason.", [*_LABELS, "reason"])
CACHE = Counter(f"{_PREFIX}_cache_lookups_total", "Lookups in the response cache.", [*_LABELS, "outcome"])
SUCCESSES = Counter(f"{_PREFIX}_request_success_total", "Requests that were answered.", _LABELS)
FAILURES = Counter(f"{_PREFIX}_request_failure_total", "Requests that were not, by reason.", [*_LABELS, "reason"])

_MODEL = "kuajie_intent_model"
STATE = Gauge(f"{_MODEL}_state", "1 for the state that a version is in, in this process.", ["version", "state"])
SWAPS = Counter(f"{_MODEL}_swaps_total", "Times that another version was put in place to serve.")
REFUSALS = Counter(f"{_MODEL}_refusals_total", "Versions that could not be served; the one before stays.", ["version"])
LOADING = Gauge(f"{_MODEL}_load_duration_seconds", "Time to verify, open and warm up a version.", ["version"])

_SHADOW = "kuajie_intent_shadow"
_PAIR = ["version", "against", "language"]
SHADOWED = Counter(f"{_SHADOW}_texts_total", "Copies of live texts, by what became of them.", ["version", "outcome"])
COMPARED = Counter(f"{_SHADOW}_compared_texts_total", "Texts that a shadow answered beside what served.", _PAIR)
AGREED = Counter(f"{_SHADOW}_agreements_total", "Of these, those where both say the same.", [*_PAIR, "about"])
GAPS = Counter(f"{_SHADOW}_gap_total", "Sums of absolute differences; by the texts, their mean.", [*_PAIR, "of"])

PROVIDER = Gauge(
    "kuajie_intent_model_provider",
    "1 for what the model runs on, beside what was asked.",
    [*_LABELS, "asked", "runs_on"],
)

_OF_ENGINES = (
    QUEUE,
    INPUT,
    INFER,
    OUTPUT,
    COUNT,
    EXECUTIONS,
    TOKENS,
    PENDING,
    REFUSED,
    DROPPED,
    CACHE,
    SUCCESSES,
    FAILURES,
)
_OF_PAIRS = (COMPARED, AGREED, GAPS)
_WHILE_AT_WORK = (*_OF_ENGINES, PROVIDER, LOADING, SHADOWED, *_OF_PAIRS)


class EngineMetrics:
    """What one model version does, on the process's registry, until it is released: what comes later would begin its series anew."""

    def __init__(self, model: str, version: str, at_work: set[str]) -> None:
        """`at_work` is what the versions of a process share: those that were not released."""
        self._names = (model, version)
        self._at_work = at_work
        at_work.add(version)
        self._told_pending = 0
        PENDING.labels(model, version).set_function(partial(_PENDING.__getitem__, self._names))
        self._queue = QUEUE.labels(model, version)
        self._input = INPUT.labels(model, version)
        self._infer = INFER.labels(model, version)
        self._output = OUTPUT.labels(model, version)
        self._count = COUNT.labels(model, version)
        self._executions = EXECUTIONS.labels(model, version)
        self._real = TOKENS.labels(model, version, "real")
        self._padding = TOKENS.labels(model, version, "padding")
        self._refused = REFUSED.labels(model, version)
        self._hits = CACHE.labels(model, version, "hit")
        self._misses = CACHE.labels(model, version, "miss")
        self._succeeded = SUCCESSES.labels(model, version)

    def pending(self, texts: int) -> None:
        if self._is_released():
            return
        _PENDING[self._names] += texts - self._told_pending  # a version may have a second batcher, as a shadow
        self._told_pending = texts

    def encoded(self, seconds: float) -> None:
        self._input.observe(seconds)

    def computed(self, report: BatchReport) -> None:
        for seconds in report.queue_s:
            self._queue.observe(seconds)
        self._infer.observe(report.infer_s)
        self._output.observe(report.output_s)
        self._count.inc(len(report.queue_s))
        self._executions.inc()
        self._real.inc(report.tokens)
        self._padding.inc(report.padded_tokens - report.tokens)

    def refused(self, texts: int) -> None:
        self._refused.inc(texts)

    def dropped(self, texts: int, reason: str) -> None:
        if not self._is_released():
            DROPPED.labels(*self._names, reason).inc(texts)

    def looked_up(self, *, hits: int, misses: int) -> None:
        self._hits.inc(hits)
        self._misses.inc(misses)

    def succeeded(self) -> None:
        self._succeeded.inc()

    def failed(self, reason: str) -> None:
        if not self._is_released():
            FAILURES.labels(*self._names, reason).inc()

    def released(self) -> None:
        _, version = self._names
        self._at_work.discard(version)
        for family in _WHILE_AT_WORK:
            family.remove_by_labels({"version": version})
        for family in _OF_PAIRS:
            family.remove_by_labels({"against": version})
        _PENDING.pop(self._names, None)

    def _is_released(self) -> bool:
        return self._names[1] not in self._at_work


class ShadowMetrics:
    """How one shadow does, on the process's registry and in a tally."""

    def __init__(self, version: str, tally: Tally, at_work: Container[str]) -> None:
        self._version = version
        self._tally = tally
        self._at_work = at_work

    def compared(self, against: str, language: Language, agreement: Agreement) -> None:
        pair = (self._version, against, language)
        self._tally.add(pair, agreement)
        SHADOWED.labels(self._version, "compared").inc()
        if against not in self._at_work:  # its texts waited here until it was released
            return
        COMPARED.labels(*pair).inc()
        AGREED.labels(*pair, "label").inc(agreement.same_label)
        AGREED.labels(*pair, "in_scope").inc(agreement.same_scope)
        AGREED.labels(*pair, "sentiment").inc(agreement.same_sentiment)
        GAPS.labels(*pair, "confidence").inc(agreement.confidence_gap)
        GAPS.labels(*pair, "purchase").inc(agreement.purchase_gap)

    def dropped(self) -> None:
        SHADOWED.labels(self._version, "dropped").inc()

    def failed(self, texts: int) -> None:
        SHADOWED.labels(self._version, "failed").inc(texts)


class RegistryMetrics:
    """What becomes of versions, on the process's registry."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._at_work: set[str] = set()
        self._refused: set[str] = set()
        self._states: dict[str, State] = {}

    def version(self, name: str, version: str) -> EngineMetrics:
        return EngineMetrics(name, version, self._at_work)

    def shadow(self, version: str) -> ShadowMetrics:
        return ShadowMetrics(version, self._tally, self._at_work)

    def loaded(self, version: str, seconds: float) -> None:
        LOADING.labels(version).set(seconds)

    def swapped(self) -> None:
        SWAPS.inc()

    def refused(self, version: str) -> None:
        self._refused.add(version)
        REFUSALS.labels(version).inc()

    def stand(self, states: Mapping[str, State]) -> None:
        """Every version and the state that it is in: one sample a version. Of one that is none of them nothing is told."""
        for version in self._refused - states.keys():
            self._refused.discard(version)
            REFUSALS.remove(version)
        for version, state in self._states.items():
            if states.get(version) != state:
                STATE.remove(version, state)
        for version, state in states.items():
            STATE.labels(version, state).set(1)
        self._states = dict(states)
