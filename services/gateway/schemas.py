"""The composed call on the wire: one question, five sections, and how each of them was answered."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints, field_validator

from services.insurance.schemas import Link, Offer
from services.intent.schemas import Text
from services.kit.wire import DEFAULT_LOCALE, EdgeModel, ExternalId, Locale, MessageModel
from services.recommend.schemas import ListedItem, ShownCampaign

SectionName = Literal["profile", "content", "intent", "insurance", "campaign"]
SECTIONS: tuple[SectionName, ...] = ("profile", "content", "intent", "insurance", "campaign")

Status = Literal["ok", "stale", "fallback", "timeout", "error", "shed", "skipped"]

Surface = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]


class Limits(EdgeModel):
    """How many items a section may hold."""

    content: int = Field(10, ge=1, le=50)
    insurance: int = Field(3, ge=1, le=10)


class RecommendRequest(EdgeModel):
    """Who asks, what they said, where they are, and which sections are wanted."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "user_id": "u1",
                    "message": "我想买一份重疾险",
                    "surface": "course_page",
                    "item_id": "497736",
                    "locale": "zh-CN",
                    "limit": {"content": 10, "insurance": 3},
                    "sections": ["profile", "content", "intent", "insurance", "campaign"],
                }
            ]
        }
    )

    user_id: ExternalId = Field(description="The person, by the platform's own id. Unknown people get a cold start.")
    message: Text | None = Field(None, description="What the person typed. Without it `intent` is skipped.")
    surface: Surface | None = Field(None, description="Where the answer will be shown.")
    item_id: ExternalId | None = Field(None, description="The item that the person looks at.")
    locale: Locale = DEFAULT_LOCALE
    limit: Limits = Limits()
    sections: frozenset[SectionName] = Field(
        frozenset(SECTIONS), min_length=1, description="Sections to answer; the others are skipped."
    )
    personalise: bool = Field(True, description="False: nothing that is known of the person chooses what is shown.")

    @field_validator("message", mode="before")
    @classmethod
    def _blank_is_silence(cls, message: object) -> object:
        return None if isinstance(message, str) and not message.strip() else message


class ProfileView(MessageModel):
    """What the platform knows of the person, as far as it may be shown."""

    segment: str | None
    traits: dict[str, bool]
    interests: dict[str, float]


class IntentView(MessageModel):
    """What the message means. `topics` are categories of the catalogue and of products."""

    label: str
    confidence: float
    in_scope: bool
    sentiment: str
    topics: list[str]


class Variant(MessageModel):
    """The variant of an experiment that this answer was made with."""

    key: str
    variant: str


class SectionReport(MessageModel):
    """How a section was answered. `age_ms` is the age of what a stale or fallback section repeats."""

    status: Status
    latency_ms: int
    age_ms: int
    reason: str | None
    links: list[Link] = Field(default_factory=list, description="Where to get what is missing, such as a consent.")


class SectionReports(MessageModel):
    """Every section, whatever became of it."""

    profile: SectionReport
    content: SectionReport
    intent: SectionReport
    insurance: SectionReport
    campaign: SectionReport


class RecommendAnswer(MessageModel):
    """The composed answer. Its shape never changes: what is not answered is null or empty."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "request_id": "req_0192f0c17d3b7f0aa3f4c2b1a0998877",
                    "decision_id": "dec_0192f0c17d3b7f0aa3f4c2b1a0998878",
                    "user_id": "u1",
                    "generated_at": "2026-05-01T08:00:00Z",
                    "profile": {
                        "segment": "active",
                        "traits": {"is_high_spender": True, "likes_finance": True},
                        "interests": {"finance": 0.41},
                    },
                    "intent": {
                        "label": "insurance.buy",
                        "confidence": 0.93,
                        "in_scope": True,
                        "sentiment": "neutral",
                        "topics": ["critical-illness"],
                    },
                    "content": [
                        {
                            "item_id": "c-102",
                            "title": "家庭保险入门",
                            "categories": ["finance", "insurance"],
                            "score": 0.83,
                            "source": "ease",
                            "reasons": ["因为你学完了《理财第一课》"],
                        }
                    ],
                    "insurance": [],
                    "campaign": None,
                    "experiments": [],
                    "disclosures": ["ranking", "licensed-handoff"],
                    "sections": {
                        "profile": {"status": "ok", "latency_ms": 3, "age_ms": 0, "reason": None, "links": []},
                        "content": {"status": "ok", "latency_ms": 12, "age_ms": 0, "reason": None, "links": []},
                        "intent": {"status": "ok", "latency_ms": 4, "age_ms": 0, "reason": None, "links": []},
                        "insurance": {
                            "status": "ok",
                            "latency_ms": 9,
                            "age_ms": 0,
                            "reason": "suitability_required",
                            "links": [{"rel": "suitability", "href": "/v1/suitability", "method": "POST"}],
                        },
                        "campaign": {
                            "status": "ok",
                            "latency_ms": 5,
                            "age_ms": 0,
                            "reason": "none_eligible",
                            "links": [],
                        },
                    },
                }
            ]
        }
    )

    request_id: str
    decision_id: str = Field(description="Joins what is shown with what comes of it.")
    user_id: str
    generated_at: datetime
    profile: ProfileView | None
    intent: IntentView | None
    content: list[ListedItem]
    insurance: list[Offer]
    campaign: ShownCampaign | None
    experiments: list[Variant]
    disclosures: list[str]
    sections: SectionReports


class LagReport(MessageModel):
    """Entries of the stream that were published and not yet taken in, by `service.consumer`; all zero when all is in."""

    consumers: dict[str, int]
