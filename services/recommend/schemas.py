"""What others say to recommend and hear from it. Messages are tolerant: unknown fields are ignored."""

from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field

from services.kit.wire import DEFAULT_LOCALE, ExternalId, Locale, MessageModel
from services.recommend.campaign_schemas import CampaignIn, StoredCampaign
from services.recommend.item_schemas import ImportReport, Item, ItemsIn, Upserted

__all__ = [
    "CampaignAnswer",
    "CampaignIn",
    "CampaignRequest",
    "CampaignTrace",
    "ContentAnswer",
    "ContentRequest",
    "ImportReport",
    "Intent",
    "Item",
    "ItemList",
    "ItemsIn",
    "LagReport",
    "ListedItem",
    "ModelInfo",
    "Person",
    "ShownCampaign",
    "StoredCampaign",
    "Upserted",
]


class ListedItem(MessageModel):
    """An item in a list, and how much of what the list is ordered by it has (1 for the first)."""

    item_id: str
    title: str
    categories: list[str]
    score: float
    source: str
    reasons: list[str]


class ItemList(MessageModel):
    """Items in order. `model_version` is null where no fitted model took part."""

    data: list[ListedItem]
    model_version: str | None


class Person(MessageModel):
    """The part of a profile snapshot that recommendations and campaigns read."""

    known: bool = False
    segment: str | None = None
    traits: dict[str, Any] = Field(default_factory=dict)
    interests: dict[str, float] = Field(default_factory=dict)
    consents: dict[str, bool] = Field(default_factory=dict)
    facts: dict[str, Any] = Field(default_factory=dict)
    features: dict[str, Any] = Field(default_factory=dict)


class ContentRequest(MessageModel):
    """Who asks for content, where, and how much of it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "user_id": "u1",
                    "person": {
                        "known": True,
                        "segment": "active",
                        "traits": {"likes_finance": True},
                        "interests": {"finance": 0.41},
                        "consents": {"personalisation": True},
                    },
                    "item_id": "497736",
                    "surface": "course_page",
                    "locale": "zh-CN",
                    "limit": 10,
                    "personalise": True,
                }
            ]
        }
    )

    user_id: ExternalId
    person: Person | None = None
    item_id: ExternalId | None = None
    surface: str | None = Field(None, max_length=128)
    locale: Locale = DEFAULT_LOCALE
    limit: int = Field(10, ge=1, le=100)
    personalise: bool = True


class ContentAnswer(MessageModel):
    """Items to show, best first. `model_version` is null before the first fit; `personalised` says what was done."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {
                            "item_id": "c-102",
                            "title": "家庭保险入门",
                            "categories": ["finance", "insurance"],
                            "score": 0.83,
                            "source": "ease",
                            "reasons": ["因为你学完了《理财第一课》"],
                        }
                    ],
                    "notices": [],
                    "model_version": "20260501T020000Z-1f2e3d4c",
                    "personalised": True,
                }
            ]
        }
    )

    items: list[ListedItem]
    notices: list[str]
    model_version: str | None
    personalised: bool


class ModelInfo(MessageModel):
    """The fitted model that answers now."""

    version: str
    checksum: str
    created_at: datetime
    metadata: dict[str, Any]


class LagReport(MessageModel):
    """Facts not taken in yet, by the service that told them; `relay` counts those of this service not on the stream yet."""

    consumers: dict[str, int]


class Intent(MessageModel):
    """The part of an understood message that campaigns read. `topics` are categories of the catalogue and of products."""

    label: str | None = None
    confidence: float | None = None
    topics: list[str] = Field(default_factory=list)


class CampaignRequest(MessageModel):
    """Who is to see a campaign, where, and what they have just asked for."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "user_id": "u1",
                    "person": {
                        "known": True,
                        "segment": "active",
                        "interests": {"finance": 0.41},
                        "consents": {"marketing": True},
                        "facts": {"birth_date": "1990-05-17"},
                    },
                    "intent": {"label": "insurance.buy", "confidence": 0.93, "topics": ["critical-illness"]},
                    "surface": "home",
                    "locale": "zh-CN",
                }
            ]
        }
    )

    user_id: ExternalId
    person: Person | None = None
    intent: Intent | None = None
    surface: str | None = Field(None, max_length=128)
    locale: Locale = DEFAULT_LOCALE


class ShownCampaign(MessageModel):
    """A campaign in the person's language. `coupon` is null where the campaign gives none."""

    campaign_id: str
    headline: str
    body: str
    coupon: None = None


class CampaignTrace(MessageModel):
    """What became of one campaign, why, and which part of its definition decided (a path, a date, the winner's id)."""

    campaign_id: str
    outcome: Literal["shown", "not_shown"]
    reason: str
    detail: str | None = None


class CampaignAnswer(MessageModel):
    """The campaign to show, or why there is none; `trace` holds every campaign."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "campaign": {
                        "campaign_id": "spring",
                        "headline": "理财课八折",
                        "body": "本周有效",
                        "coupon": None,
                    },
                    "reason": None,
                    "trace": [
                        {"campaign_id": "spring", "outcome": "shown", "reason": "first_in_order", "detail": None},
                        {
                            "campaign_id": "travel",
                            "outcome": "not_shown",
                            "reason": "not_eligible",
                            "detail": "eligibility.all.1",
                        },
                    ],
                }
            ]
        }
    )

    campaign: ShownCampaign | None
    reason: Literal["consent_required", "none_eligible"] | None
    trace: list[CampaignTrace]
