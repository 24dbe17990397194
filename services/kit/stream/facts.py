"""The one envelope that every fact travels in."""

from typing import Any

from pydantic import Field

from services.kit.ids import new_id
from services.kit.telemetry import current_trace
from services.kit.wire import MessageModel, Timestamp


class Envelope(MessageModel):
    """One fact, as its owner tells it."""

    id: str = Field(default_factory=lambda: new_id("evt"))
    type: str
    schema_version: int = 1
    tenant_id: str
    subject: str
    occurred_at: Timestamp
    received_at: Timestamp
    sequence: int | None = None
    traceparent: str | None = Field(default_factory=lambda: current_trace().traceparent)
    data: dict[str, Any]
