"""From five sections to one answer: the shape that never changes, and the reason for whatever is empty."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from services.gateway.compose import Composition
from services.gateway.schemas import (
    SECTIONS,
    IntentView,
    ProfileView,
    RecommendAnswer,
    RecommendRequest,
    SectionName,
    SectionReport,
    SectionReports,
)
from services.gateway.section import Section
from services.insurance.schemas import Link, Offer, Offers
from services.intent.schemas import UnderstandingResult
from services.kit.errors import Unavailable
from services.kit.ids import new_id
from services.profile.schemas import Snapshot
from services.recommend.schemas import ContentAnswer

T = TypeVar("T")

PROFILE_UNAVAILABLE = "profile_unavailable"
CONSENT_REQUIRED = "consent_required"
UNKNOWN_ITEM = "unknown_item"

GIVE_CONSENT = Link(rel="consent", href="/v1/consents", method="POST")


class RequiredSectionMissing(Unavailable):
    code = "required_section_missing"


@dataclass(frozen=True, slots=True)
class Explained:
    """The sections with the reasons that only the whole picture gives, and the links to what is missing."""

    profile: Section[Snapshot]
    content: Section[Any]
    intent: Section[UnderstandingResult]
    insurance: Section[Offers]
    campaign: Section[Any]
    links: Mapping[SectionName, list[Link]]

    @classmethod
    def of(cls, composed: Composition) -> "Explained":
        """Status stays; reasons are added where a section is ok and yet not what was hoped for."""
        offers = composed.insurance.value
        blind = not composed.known.consents_count
        insurance = _explained(composed.insurance, offers.reason if offers else None, blind=blind)
        shown = composed.campaign.value
        campaign = _explained(composed.campaign, shown.reason if shown else None, blind=blind)
        return cls(
            profile=composed.profile,
            content=_explained(composed.content, _notice(composed.content.value), blind=_was_blind(composed)),
            intent=composed.intent,
            insurance=insurance,
            campaign=campaign,
            links=_links(insurance, campaign),
        )

    def each(self) -> list[tuple[SectionName, Section[Any]]]:
        """The sections by name."""
        return [(name, getattr(self, name)) for name in SECTIONS]

    @property
    def complete(self) -> bool:
        """Whether nothing is missing that a good day would have brought."""
        return all(
            section.status in {"ok", "skipped"} and section.reason != PROFILE_UNAVAILABLE for _, section in self.each()
        )

    def require(self, names: Collection[SectionName]) -> None:
        """Raise RequiredSectionMissing when one of `names` has no answer at all."""
        missing = {name: section.reason for name, section in self.each() if name in names and section.failed}
        if missing:
            raise RequiredSectionMissing(f"Required sections have no answer: {', '.join(missing)}.", sections=missing)


def _links(insurance: Section[Offers], campaign: Section[Any]) -> dict[SectionName, list[Link]]:
    """Where to get what is missing; nobody is sent for a consent that they may have given."""
    links: dict[SectionName, list[Link]] = {}
    if insurance.value and insurance.status == "ok" and insurance.reason != PROFILE_UNAVAILABLE:
        links["insurance"] = insurance.value.links
    if campaign.reason == CONSENT_REQUIRED:
        links["campaign"] = [GIVE_CONSENT]
    return links


def _explained(section: Section[T], reason: str | None, *, blind: bool) -> Section[T]:
    """An ok section with its back end's reason.

    A back end that was told of no consents asks for them. When they are only unknown to us just now, saying so is
    right, and asking the person again is wrong.
    """
    if section.status != "ok":
        return section
    if blind and reason in {None, CONSENT_REQUIRED}:
        reason = PROFILE_UNAVAILABLE
    return section if reason is None else replace(section, reason=reason)


def _was_blind(composed: Composition) -> bool:
    """Whether content had to do without a profile that it would have used."""
    return composed.known.snapshot is None and composed.known.personalise


def _notice(content: ContentAnswer | None) -> str | None:
    return UNKNOWN_ITEM if content and UNKNOWN_ITEM in content.notices else None


def answer_of(
    composed: Composition, explained: Explained, question: RecommendRequest, request_id: str
) -> RecommendAnswer:
    """The answer on the wire. Its parts were validated when they came in, so that nothing is validated again."""
    content, campaign = composed.content.value, composed.campaign.value
    return RecommendAnswer(
        request_id=request_id,
        decision_id=new_id("dec"),
        user_id=question.user_id,
        generated_at=datetime.now(UTC),
        profile=_profile_view(composed.profile.value),
        intent=_intent_view(composed.intent.value),
        content=content.items if content else [],
        insurance=_offers(composed.insurance),
        campaign=campaign.campaign if campaign else None,
        experiments=[],
        disclosures=composed.insurance.value.disclosures if composed.insurance.value else [],
        sections=_reports(explained),
    )


def _reports(explained: Explained) -> SectionReports:
    reports: dict[str, Any] = {
        name: SectionReport(
            status=section.status,
            latency_ms=section.latency_ms,
            age_ms=section.age_ms,
            reason=section.reason,
            links=explained.links.get(name, []),
        )
        for name, section in explained.each()
    }
    return SectionReports(**reports)


def _profile_view(snapshot: Snapshot | None) -> ProfileView | None:
    if snapshot is None:
        return None
    return ProfileView(segment=snapshot.segment, traits=snapshot.traits, interests=snapshot.interests)


def _intent_view(understood: UnderstandingResult | None) -> IntentView | None:
    if understood is None:
        return None
    return IntentView(
        label=understood.label,
        confidence=understood.confidence,
        in_scope=understood.in_scope,
        sentiment=understood.sentiment,
        topics=understood.topics,
    )


def _offers(insurance: Section[Offers]) -> list[Offer]:
    """Prices only from an answer of now: a list may degrade, a price never does."""
    if insurance.value is None:
        return []
    if insurance.status == "ok":
        return insurance.value.offers
    unpriced: dict[str, Any] = {
        "indicative_premium": None,
        "premium_period": None,
        "repayment": None,
        "assumptions": [],
    }
    return [offer.model_copy(update=unpriced) for offer in insurance.value.offers]
