"""Wire types of the profile service. Amounts inside features are floats: they describe, they do not bill."""

from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field, JsonValue

from services.kit.wire import EdgeModel, ExternalId, MessageModel, Timestamp
from services.profile.consent_terms import PLATFORM, Purpose, Reason
from services.profile.facts import DeclaredFacts, Facts

MAX_BATCH = 1000

Status = Literal["accepted", "duplicate", "rejected"]

_TRACK: dict[str, JsonValue] = {
    "type": "track",
    "message_id": "0f9a6a0e-7f1c-4c58-9c0f-0d8a3f3f1c11",
    "user_id": "u1",
    "event": "purchase_completed",
    "timestamp": "2026-03-01T08:00:00Z",
    "sent_at": "2026-03-01T08:00:02Z",
    "properties": {"item_id": "497736", "value": "199.00", "currency": "CNY"},
}
_IDENTIFY: dict[str, JsonValue] = {
    "type": "identify",
    "message_id": "7d1f8d1e-5b3c-4d4a-8d77-0a4b9f0c2e22",
    "user_id": "u1",
    "traits": {"birth_date": "1992-05-17", "region": "CN-SH"},
}


class Batch(EdgeModel):
    """Up to 1,000 messages. Each is judged on its own, so what they hold is not part of this schema's validation."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"batch": [_TRACK, _IDENTIFY]}]})

    batch: list[Any] = Field(min_length=1, max_length=MAX_BATCH, description="track, identify and page messages")


class Verdict(MessageModel):
    """What became of one message, in the order of the batch."""

    message_id: str | None
    status: Status
    code: str | None = None
    param: str | None = None
    detail: str | None = None


class BatchResult(MessageModel):
    """Verdicts and their counts."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "accepted": 1,
                    "duplicates": 0,
                    "rejected": 1,
                    "results": [
                        {"message_id": "m1", "status": "accepted", "code": None, "param": None, "detail": None},
                        {
                            "message_id": "m2",
                            "status": "rejected",
                            "code": "invalid_timestamp",
                            "param": "batch.1.timestamp",
                            "detail": "The timestamp is not ISO 8601.",
                        },
                    ],
                }
            ]
        }
    )

    accepted: int
    duplicates: int
    rejected: int
    results: list[Verdict]


class Identify(EdgeModel):
    """Declared facts of one person."""

    user_id: ExternalId
    traits: DeclaredFacts
    message_id: ExternalId | None = Field(None, description="Makes the call safe to repeat.")


class Identified(MessageModel):
    """What is declared of the person now."""

    user_id: str
    status: Literal["accepted", "duplicate"]
    facts: Facts


class ConsentRecord(EdgeModel):
    """One answer of one person."""

    user_id: ExternalId
    purpose: Purpose
    granted: bool = Field(strict=True)
    recipient: ExternalId = PLATFORM
    notice_version: ExternalId = Field(description="The notice that the person was shown.")
    recorded_at: Timestamp | None = Field(None, description="When the person answered; now when it is not given.")
    expires_at: Timestamp | None = None


class ConsentRecords(EdgeModel):
    """All of them are recorded, or none."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "records": [
                        {"user_id": "u1", "purpose": "finance", "granted": True, "notice_version": "2026-03"},
                        {
                            "user_id": "u1",
                            "purpose": "partner_sharing",
                            "recipient": "insurer-a",
                            "granted": True,
                            "notice_version": "2026-03",
                            "expires_at": "2027-03-01T00:00:00Z",
                        },
                    ]
                }
            ]
        }
    )

    records: list[ConsentRecord] = Field(min_length=1, max_length=MAX_BATCH)


class Consent(MessageModel):
    """One recorded answer."""

    consent_id: str
    user_id: str
    purpose: Purpose
    recipient: str
    granted: bool
    notice_version: str
    recorded_at: datetime
    expires_at: datetime | None = None


class RecordedConsent(Consent):
    """An answer just recorded, and the person's consent version with it."""

    consent_version: int


class RecordedConsents(MessageModel):
    records: list[RecordedConsent]


class ConsentQuestion(EdgeModel):
    """May this be done for this person?"""

    user_id: ExternalId
    purpose: Purpose
    recipient: ExternalId = PLATFORM


class ConsentVerdict(MessageModel):
    granted: bool
    reason: Reason
    consent_version: int


class Snapshot(MessageModel):
    """Who someone is, as the other services need it. Every number is as of the last full hour, so that it can be cached."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "user_id": "u1",
                    "known": True,
                    "segment": "active",
                    "traits": {"is_high_spender": True, "likes_finance": True},
                    "interests": {"finance": 0.41, "tech": 0.59},
                    "facts": {"birth_date": "1992-05-17", "region": "CN-SH", "locale": "zh-CN"},
                    "consents": {
                        "personalisation": True,
                        "marketing": False,
                        "health": False,
                        "finance": True,
                        "partner_sharing": False,
                    },
                    "consent_version": 3,
                    "features": {"recency_days": 1.5, "events_30d": 7.2, "purchases": 4, "spend": 512.3},
                    "updated_at": "2026-03-01T08:00:02Z",
                }
            ]
        }
    )

    user_id: str
    known: bool = Field(description="False for somebody without events and declared facts: the cold start.")
    segment: str | None = Field(None, description="Null before the first fit of segments.")
    traits: dict[str, bool] = Field(default_factory=dict)
    interests: dict[str, float] = Field(default_factory=dict, description="Share by domain, 0 to 1.")
    facts: Facts = Field(default_factory=Facts)
    consents: dict[str, bool] = Field(default_factory=dict, description="By purpose, for the platform itself.")
    consent_version: int = Field(0, description="Grows with every recorded answer and with every expiry.")
    features: dict[str, float | None] = Field(default_factory=dict)
    updated_at: datetime | None = None


class ImportedRow(MessageModel):
    """A row that was not kept."""

    row: int
    reason: str
    param: str
    detail: str


class ImportReport(MessageModel):
    """What an import did, or with `dry_run` would do."""

    read: int
    kept: int
    duplicates: int
    rejected: int
    reasons: dict[str, int] = Field(default_factory=dict, description="Rejected rows by reason.")
    rows: list[ImportedRow] = Field(default_factory=list, description="The first rejected rows.")


class DeadLetter(MessageModel):
    """Something that could not be kept, as it came."""

    dead_letter_id: str
    source: Literal["batch", "import"]
    code: str
    param: str
    detail: str
    payload: str
    received_at: datetime
    replays: int


class Replay(EdgeModel):
    """Which dead letters to try again: the named ones, or the oldest."""

    dead_letter_ids: list[ExternalId] | None = Field(None, min_length=1, max_length=MAX_BATCH)
    limit: int = Field(MAX_BATCH, ge=1, le=MAX_BATCH)


class Replayed(MessageModel):
    """What became of them. Accepted and duplicate ones are gone, rejected ones stay with their new reason."""

    accepted: int
    duplicates: int
    rejected: int


class Lag(MessageModel):
    """Facts that are still on their way; 0 everywhere means that everything acknowledged has arrived."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"consumers": {"relay": 0, "recommend": 0}}]})

    consumers: dict[str, int]
