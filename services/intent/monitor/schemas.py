"""Wire types of opinion monitoring."""

from services.intent.monitor.alert_schemas import Alert, AlertStatus, Handled, Silence, SilenceIn
from services.intent.monitor.document_schemas import (
    Document,
    DocumentBatch,
    DocumentVerdict,
    DocumentVerdicts,
    Series,
    Topic,
    TopicSeries,
)
from services.intent.monitor.webhook_schemas import (
    DeliveriesReplayed,
    Delivery,
    DeliveryReplay,
    DeliveryState,
    Webhook,
    WebhookIn,
    WebhookSecrets,
    WebhookTest,
)

__all__ = [
    "Alert",
    "AlertStatus",
    "DeliveriesReplayed",
    "Delivery",
    "DeliveryReplay",
    "DeliveryState",
    "Document",
    "DocumentBatch",
    "DocumentVerdict",
    "DocumentVerdicts",
    "Handled",
    "Series",
    "Silence",
    "SilenceIn",
    "Topic",
    "TopicSeries",
    "Webhook",
    "WebhookIn",
    "WebhookSecrets",
    "WebhookTest",
]
