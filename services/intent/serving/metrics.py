"""Prometheus metrics of the engine, named after Triton's (queue, compute input, compute infer, compute output)."""

from prometheus_client import Counter, Gauge, Histogram

from services.intent.serving.batcher import BatchReport

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
REFUSED = Counter(f"{_PREFIX}_refused_texts_total", "Texts refused at a full queue.", _LABELS)
DROPPED = Counter(f"{_PREFIX}_dropped_texts_total", "Texts taken in and not answered, by reason.", [*_LABELS, "reason"])
CACHE = Counter(f"{_PREFIX}_cache_lookups_total", "Lookups in the response cache.", [*_LABELS, "outcome"])
PROVIDER = Gauge(
    "kuajie_intent_model_provider",
    "1 for what the model runs on, beside what was asked.",
    [*_LABELS, "asked", "runs_on"],
)


class EngineMetrics:
    """What one model version does, on the process's registry."""

    def __init__(self, model: str, version: str) -> None:
        self._names = (model, version)
        self._queue = QUEUE.labels(model, version)
        self._input = INPUT.labels(model, version)
        self._infer = INFER.labels(model, version)
        self._output = OUTPUT.labels(model, version)
        self._count = COUNT.labels(model, version)
        self._executions = EXECUTIONS.labels(model, version)
        self._real = TOKENS.labels(model, version, "real")
        self._padding = TOKENS.labels(model, version, "padding")
        self._pending = PENDING.labels(model, version)
        self._refused = REFUSED.labels(model, version)
        self._hits = CACHE.labels(model, version, "hit")
        self._misses = CACHE.labels(model, version, "miss")

    def pending(self, texts: int) -> None:
        self._pending.set(texts)

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
        DROPPED.labels(*self._names, reason).inc(texts)

    def looked_up(self, *, hits: int, misses: int) -> None:
        self._hits.inc(hits)
        self._misses.inc(misses)
