"""Alerts and silences on the wire. Names that are answered are open: those that a newer build stored are passed on as they are."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from services.intent.monitor.detectors import Detector
from services.intent.monitor.document_schemas import Moment, Topic
from services.kit.wire import EdgeModel, ExternalId, MessageModel

AlertStatus = Literal["open", "acknowledged", "resolved"]
Note = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]+$")]


class SurgeHour(MessageModel):
    """One hour of a surge beside what was expected of it."""

    hour: datetime
    documents: int
    negatives: int
    expected_negatives: float
    usual_share: float
    z: float = Field(description="Standardised residual of the negatives, attention that all documents got taken out.")
    log_ratio: float = Field(description="Log likelihood ratio of a surge to the normal, in nats.")


class ClusterEvidence(MessageModel):
    """A negative document of the surge, and how many documents its cluster has."""

    document_id: str
    documents: int
    source: str | None


class Surge(MessageModel):
    """One topic above its baseline. `examples` are its largest clusters of negative documents, `sources` the twenty with most."""

    surge_id: str
    topic: Topic | str
    began: datetime
    last_hour: datetime
    ended_at: datetime | None
    detectors: list[Detector | str]
    documents: int
    negatives: int
    expected_negatives: float
    ratio: float | None = Field(description="Negatives over the expected; null where none were, as for a new topic.")
    share_low: float = Field(description="Wilson bounds of 95 % of the negative share.")
    share_high: float
    usual_share: float
    authors: int = Field(description="Distinct author hashes of negative documents.")
    sources: dict[str, int]
    main_source: str | None = Field(
        None, description="The source of more than half of the negatives, by which silences of a source go."
    )
    hours: list[SurgeHour]
    examples: list[ClusterEvidence]


class Alert(MessageModel):
    """Surges that began within hours of each other. It resolves by itself when all of them are over."""

    alert_id: str
    status: AlertStatus | str
    topics: list[Topic | str]
    opened_at: datetime
    updated_at: datetime
    told_at: datetime | None = Field(description="When webhooks were last told; null while it is silenced.")
    revision: int
    silence_id: str | None = Field(description="The silence that kept the last news from being told.")
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    resolved_at: datetime | None
    resolved_by: str | None = Field(description="`calm` when it resolved by itself.")
    note: str | None
    surges: list[Surge]


class Handled(EdgeModel):
    """Who acknowledges or resolves an alert: the credential's own name unless given."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"by": "risk-desk", "note": "press release at noon"}]})

    by: ExternalId | None = None
    note: Note | None = None


class SilenceIn(EdgeModel):
    """Tell nobody of surges of this topic, or of those that come mostly from this source, or both."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "topic": "fees",
                    "ends_at": "2099-06-01T00:00:00Z",
                    "reason": "price change announced",
                    "by": "pr-desk",
                }
            ]
        }
    )

    topic: Topic | None = None
    source: ExternalId | None = None
    starts_at: Moment | None = Field(None, description="Now unless given.")
    ends_at: Moment
    reason: Note
    by: ExternalId | None = None

    @model_validator(mode="after")
    def names_something(self) -> Self:
        if self.topic is None and self.source is None:
            raise PydanticCustomError("matcher_missing", "A silence names a topic, a source or both.")
        if self.starts_at is not None and self.starts_at >= self.ends_at:
            raise PydanticCustomError("ends_before_start", "A silence ends after it starts.")
        return self


class Silence(MessageModel):
    """A silence as it is kept; ended early, `ends_at` is when it was."""

    silence_id: str
    topic: Topic | str | None
    source: str | None
    starts_at: datetime
    ends_at: datetime
    reason: str
    created_by: str
    created_at: datetime
