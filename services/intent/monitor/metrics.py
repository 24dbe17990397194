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
DETECTION_LAG = Histogram(
    "kuajie_intent_monitor_detection_lag_seconds",
    "From the begin of one round of detection to the end of the next: how long a surge waits to be seen.",
    buckets=(1, 5, 10, 30, 60, 90, 120, 300, 900, 3600),
)
ALERTS = Gauge("kuajie_intent_monitor_alerts", "Alerts that are not resolved.", ["status"])
LEFT_OUT = Counter(
    "kuajie_intent_monitor_surge_parts_left_out_total",
    "Hours and examples of surges left out as they were read: another build stored them in another form.",
    ["part"],
)
DELIVERIES = Counter("kuajie_intent_monitor_deliveries_total", "Attempts to deliver, by outcome.", ["outcome"])
WAITING_DELIVERIES = Gauge("kuajie_intent_monitor_pending_deliveries", "Deliveries that wait for their next attempt.")
