"""Prometheus metrics of opinion monitoring. No label holds a tenant, a person or a text."""

from prometheus_client import Counter, Gauge, Histogram

DOCUMENTS = Counter("kuajie_intent_monitor_documents_total", "Documents by verdict.", ["verdict"])
CLASSIFIED = Counter(
    "kuajie_intent_monitor_classified_total", "Documents by what the model said.", ["topic", "sentiment"]
)
FAILED = Counter("kuajie_intent_monitor_classification_failures_total", "Documents that the model could not read.")
PENDING = Gauge("kuajie_intent_monitor_pending_documents", "Documents that wait to be classified.")
CLASSIFICATION_LAG = Histogram(
    "kuajie_intent_monitor_classification_lag_seconds",
    "From a document's arrival to its topic and sentiment.",
    buckets=(0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200),
)
