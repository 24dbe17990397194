"""Definitions of campaigns on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, ConfigDict, Field, ValidationInfo, field_validator

from services.kit.wire import EdgeModel, ExternalId, Locale
from services.recommend.item_schemas import Category

Headline = Annotated[str, Field(min_length=1, max_length=200)]
Body = Annotated[str, Field(min_length=1, max_length=2000)]


class CampaignIn(EdgeModel):
    """A campaign. `eligibility` is a rule tree, see docs/campaigns.md; without one everybody is eligible."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "status": "live",
                    "priority": 50,
                    "categories": ["finance"],
                    "surfaces": ["home"],
                    "headline": {"zh-CN": "理财课八折", "en": "20 % off finance courses"},
                    "body": {"zh-CN": "本周有效", "en": "This week only"},
                    "starts_at": "2026-05-01T00:00:00Z",
                    "ends_at": "2026-06-01T00:00:00Z",
                    "eligibility": {
                        "all": [
                            {"fact": "segment", "op": "in", "value": ["active", "semi-active"]},
                            {"fact": "interests.finance", "op": "gte", "value": 0.2},
                        ]
                    },
                }
            ]
        }
    )

    status: Literal["draft", "live", "paused"] = "draft"
    priority: int = Field(0, ge=0, le=1000)
    categories: list[Category] = Field(default_factory=list, max_length=32)
    surfaces: list[ExternalId] = Field(default_factory=list, max_length=32)
    headline: dict[Locale, Headline] = Field(min_length=1)
    body: dict[Locale, Body] = Field(default_factory=dict)
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    regulated: bool = False
    suitability_for: ExternalId | None = Field(None, validate_default=True)
    eligibility: dict[str, Any] | None = None

    @field_validator("ends_at")
    @classmethod
    def _ends_after_start(cls, ends_at: datetime | None, info: ValidationInfo) -> datetime | None:
        starts_at = info.data.get("starts_at")
        if ends_at and starts_at and ends_at <= starts_at:
            raise ValueError("a campaign ends after it starts")
        return ends_at

    @field_validator("suitability_for")
    @classmethod
    def _named_when_regulated(cls, suitability_for: str | None, info: ValidationInfo) -> str | None:
        if (suitability_for is not None) != bool(info.data.get("regulated")):
            raise ValueError("a regulated campaign, and no other, names what a person must be suitable for")
        return suitability_for


class StoredCampaign(CampaignIn):
    """A campaign as it is stored."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    campaign_id: str
    updated_at: datetime
