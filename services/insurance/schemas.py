"""What others may say to insurance and hear from it: offers here, the other messages re-exported from their files."""

from typing import Any, Literal

from pydantic import ConfigDict, Field

from services.insurance.product_schemas import (
    EligibilityAnswer,
    EligibilityRequest,
    ProductSummary,
    ProductView,
    RatingAnswer,
    RatingRequest,
)
from services.insurance.suitability_schemas import (
    Questionnaire,
    SuitabilityRecord,
    SuitabilityRequest,
    SuitabilityState,
)
from services.insurance.wire_types import Kind, Link, Moment, Reasoned
from services.kit.money import Money
from services.kit.wire import DEFAULT_LOCALE, ExternalId, Locale, MessageModel

__all__ = [
    "Disclosure",
    "Disclosures",
    "EligibilityAnswer",
    "EligibilityRequest",
    "Intent",
    "Link",
    "NotOffered",
    "Offer",
    "OfferSuitability",
    "Offers",
    "OffersRequest",
    "Person",
    "ProductSummary",
    "ProductView",
    "Questionnaire",
    "RatingAnswer",
    "RatingRequest",
    "SuitabilityRecord",
    "SuitabilityRequest",
    "SuitabilityState",
]

Outcome = Literal["suitable", "advise_against", "not_suitable"]


class Person(MessageModel):
    """The part of a profile snapshot that offers read. Declared facts that are null count as missing."""

    facts: dict[str, Any] = Field(default_factory=dict)
    consents: dict[str, bool] = Field(default_factory=dict)
    consent_version: int = 0
    traits: dict[str, Any] = Field(default_factory=dict)


class Intent(MessageModel):
    """What the person said they want; topics are product categories."""

    label: str
    confidence: float = Field(ge=0, le=1)
    topics: list[str] = Field(default_factory=list)


class OffersRequest(MessageModel):
    """Who asks, what is known of them, and what they want now."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "user_id": "u1",
                    "person": {
                        "facts": {
                            "birth_date": "1992-05-17",
                            "region": "CN-SH",
                            "gender": "female",
                            "occupation": "engineer",
                            "dependants": 1,
                        },
                        "consents": {"finance": True, "health": False},
                        "consent_version": 3,
                        "traits": {"likes_health": True},
                    },
                    "intent": {"label": "insurance.buy", "confidence": 0.93, "topics": ["critical-illness"]},
                    "locale": "zh-CN",
                    "limit": 3,
                }
            ]
        }
    )

    user_id: ExternalId
    person: Person | None = None
    intent: Intent | None = None
    locale: Locale = DEFAULT_LOCALE
    limit: int = Field(3, ge=0, le=50)
    as_of: Moment | None = Field(None, description="The moment to answer for; now when it is not given.")
    explain: bool = Field(False, description="List every product that was not offered, not only those asked for.")


class OfferSuitability(Reasoned):
    """The verdict on this product for this person, at its indicative price."""

    verdict: Outcome


class IndicativeRepayment(MessageModel):
    """Credit as it would be repaid under the assumptions; `apr` is a yearly rate, 0.12 for 12 %."""

    principal: Money
    payment: Money
    months: int
    total_cost: Money
    apr: str


class Offer(Reasoned):
    """A suitable product, why it stands where it does, and what it would cost under the stated assumptions."""

    product_id: str
    version: int
    title: str
    kind: Kind
    summary: str
    suitability: OfferSuitability
    indicative_premium: Money | None
    premium_period: str | None
    repayment: IndicativeRepayment | None = None
    minimum_purchase: Money | None = None
    assumptions: list[str] = Field(default_factory=list)
    missing_consents: list[str] = Field(default_factory=list, description="What a binding quote would need besides.")
    topics: list[str] = Field(default_factory=list)
    illustrative: bool


class NotOffered(Reasoned):
    """A product that was looked at and not offered. `advice` says plainly when the person should stop."""

    product_id: str
    version: int
    title: str
    kind: Kind
    stage: Literal["eligibility", "rating", "suitability"]
    verdict: str
    advice: str | None = None


class Offers(MessageModel):
    """What is offered, or the one reason why nothing is, with links to what is missing."""

    offers: list[Offer]
    reason: Literal["consent_required", "suitability_required", "none_suitable"] | None = None
    reason_text: str | None = None
    missing_facts: list[str] = Field(default_factory=list)
    not_offered: list[NotOffered] = Field(
        default_factory=list, description="What was asked for and does not suit; with `explain` everything else too."
    )
    links: list[Link] = Field(default_factory=list)
    disclosures: list[str]
    considered: int


class Disclosure(MessageModel):
    """A text that must be within reach wherever its code is shown."""

    code: str
    title: str
    text: str


class Disclosures(MessageModel):
    """All disclosures in one language."""

    data: list[Disclosure]
