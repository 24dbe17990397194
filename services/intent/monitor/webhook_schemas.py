"""Webhooks and their deliveries on the wire. Names that are answered are open: those that a newer build stored are passed on."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from services.intent.monitor.alert_schemas import Note
from services.kit.wire import EdgeModel, ExternalId, MessageModel

AlertEvent = Literal["alert.opened", "alert.updated", "alert.repeated", "alert.acknowledged", "alert.resolved"]
DeliveryState = Literal["pending", "delivered", "dead"]
WebhookUrl = Annotated[str, StringConstraints(min_length=1, max_length=2_000, pattern=r"^[\x21-\x7e]+$")]
MAX_REPLAYED = 200


class WebhookIn(EdgeModel):
    """Where alerts are told. The secret that signs is made here: read it at `…/secret`."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"url": "https://hooks.example.com/kuajie", "events": ["alert.opened"]}]}
    )

    url: WebhookUrl = Field(description="https, a public address, without user and password.")
    description: Note | None = None
    events: list[AlertEvent] = Field(default_factory=list, max_length=5, description="All of them when empty.")


class Webhook(MessageModel):
    """A webhook. One that fails for days, or answers 410, is disabled, with the reason."""

    webhook_id: str
    url: str
    description: str | None
    events: list[AlertEvent | str]
    enabled: bool
    disabled_because: str | None
    failing_since: datetime | None
    created_at: datetime


class WebhookSecrets(MessageModel):
    """Live secrets, the newest first: messages are signed with each of them."""

    webhook_id: str
    secrets: list[str]


class WebhookTest(MessageModel):
    """The message `webhook.test` that was queued."""

    notification_id: str


class Delivery(MessageModel):
    """One notification to one webhook. A dead one had all its attempts: replay it."""

    notification_id: str
    webhook_id: str
    event: AlertEvent | Literal["webhook.test"] | str
    alert_id: str | None
    state: DeliveryState | str
    attempts: int
    created_at: datetime
    due_at: datetime
    settled_at: datetime | None
    last_status: int | None
    last_error: str | None


class DeliveryReplay(EdgeModel):
    """Which dead deliveries to try again: the named notifications, or the oldest."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"limit": 100}]})

    notification_ids: list[ExternalId] | None = Field(None, min_length=1, max_length=MAX_REPLAYED)
    limit: int = Field(MAX_REPLAYED, ge=1, le=MAX_REPLAYED)


class DeliveriesReplayed(MessageModel):
    """How many deliveries are due again."""

    replayed: int
