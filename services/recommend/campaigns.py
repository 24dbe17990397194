"""The choice of one campaign for one person, and the reason for every campaign that was not chosen.

Consent comes first, then schedule and surface, then the rule tree, then the suitability verdict. Among those left the
higher priority wins, then the better fit with what the person wants and likes, then the smaller id: the same input, the
same answer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.recommend.eligibility import Facts, Rule, evaluate

Status = Literal["draft", "live", "paused"]


@dataclass(frozen=True, slots=True)
class Campaign:
    """One campaign as it is defined. An empty `surfaces` means every surface."""

    campaign_id: str
    status: Status
    priority: int
    categories: tuple[str, ...]
    surfaces: frozenset[str]
    headline: Mapping[str, str]
    body: Mapping[str, str]
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    suitability_for: str | None = None
    """For a regulated campaign, what the person must have been found suitable for; None when it is not regulated."""
    rule: Rule | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a suitability record said about one kind of product, and until when that counts."""

    outcome: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known of the person and the moment."""

    marketing_consent: bool
    facts: Facts
    interests: Mapping[str, float]
    topics: Sequence[str]
    surface: str | None
    now: datetime
    verdicts: Mapping[str, Verdict]


@dataclass(frozen=True, slots=True)
class Trace:
    """One campaign's outcome: `shown` or `not_shown`, why, and which part of the definition decided."""

    campaign_id: str
    outcome: Literal["shown", "not_shown"]
    reason: str
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """The campaign to show, or the reason for showing none; the trace holds every campaign in the order considered."""

    campaign: Campaign | None
    reason: Literal["consent_required", "none_eligible"] | None
    trace: tuple[Trace, ...]


Refusal = tuple[str, str | None]


def choose(campaigns: Sequence[Campaign], situation: Situation) -> Choice:
    """The one campaign to show. Every campaign appears in the trace exactly once."""
    ordered = sorted(campaigns, key=lambda c: (-c.priority, -fit(c, situation), c.campaign_id))
    shown: Campaign | None = None
    trace: list[Trace] = []
    for campaign in ordered:
        refusal = refuse(campaign, situation)
        if refusal is None and shown is not None:
            refusal = ("outranked", shown.campaign_id)
        if refusal is not None:
            trace.append(Trace(campaign.campaign_id, "not_shown", *refusal))
            continue
        shown = campaign
        trace.append(Trace(campaign.campaign_id, "shown", "first_in_order"))
    return Choice(shown, _why_none(shown, situation), tuple(trace))


def _why_none(shown: Campaign | None, situation: Situation) -> Literal["consent_required", "none_eligible"] | None:
    if shown is not None:
        return None
    return "none_eligible" if situation.marketing_consent else "consent_required"


def fit(campaign: Campaign, situation: Situation) -> float:
    """How near a campaign is: 1 for a category asked for just now, plus the shares of interest in its categories."""
    asked = any(category in situation.topics for category in campaign.categories)
    return float(asked) + sum(situation.interests.get(category, 0.0) for category in campaign.categories)


def refuse(campaign: Campaign, situation: Situation) -> Refusal | None:
    """Why a campaign may not be shown to this person now; None when it may."""
    if not situation.marketing_consent:
        return "consent_required", "marketing"
    for gate in (_schedule, _surface, _eligibility, _suitability):
        if refusal := gate(campaign, situation):
            return refusal
    return None


def _schedule(campaign: Campaign, situation: Situation) -> Refusal | None:
    if campaign.status != "live":
        return "not_live", campaign.status
    if campaign.starts_at and situation.now < campaign.starts_at:
        return "not_started", campaign.starts_at.isoformat()
    if campaign.ends_at and situation.now >= campaign.ends_at:
        return "ended", campaign.ends_at.isoformat()
    return None


def _surface(campaign: Campaign, situation: Situation) -> Refusal | None:
    if campaign.surfaces and situation.surface not in campaign.surfaces:
        return "other_surface", situation.surface
    return None


def _eligibility(campaign: Campaign, situation: Situation) -> Refusal | None:
    if campaign.rule is None:
        return None
    found = evaluate(campaign.rule, situation.facts)
    if found.truth:
        return None
    decided_by = found.decided_by.path if found.decided_by else None
    return "not_eligible" if found.truth is False else "fact_unknown", decided_by


def _suitability(campaign: Campaign, situation: Situation) -> Refusal | None:
    if campaign.suitability_for is None:
        return None
    verdict = situation.verdicts.get(campaign.suitability_for)
    if verdict is None:
        return "suitability_required", campaign.suitability_for
    if verdict.expires_at <= situation.now:
        return "suitability_expired", campaign.suitability_for
    if verdict.outcome != "suitable":
        return "unsuitable", campaign.suitability_for
    return None


Person = Mapping[str, object]
"""A snapshot as it came off the wire: segment, known, and the maps traits, interests, consents, facts, features."""


def known_facts(person: Person, moment: Mapping[str, object], now: datetime) -> Facts:
    """Facts by dotted name: those of the person, those of the moment (surface, locale, intent.*), and the age.

    An interest that a known person has not shown is a share of 0; every other absent fact is not known.
    """
    families = {name: person.get(name) for name in ("traits", "interests", "consents", "facts", "features")}
    single: dict[str, Callable[[], object]] = {
        "segment": lambda: person.get("segment"),
        "known": lambda: person.get("known"),
        "age": lambda: age_on(families["facts"], now),
    }

    def fact(name: str) -> object:
        if name in single:
            return single[name]()
        family, _, key = name.partition(".")
        values = families.get(family)
        if not isinstance(values, Mapping):
            return moment.get(name)
        absent = 0.0 if family == "interests" and person.get("known") else None
        return values.get(key, absent)

    return fact


def age_on(facts: object, now: datetime) -> int | None:
    """Completed years today where the person lives (UTC when that is not declared); None without a birth date."""
    if not isinstance(facts, Mapping) or not isinstance(born := facts.get("birth_date"), str):
        return None
    try:
        birth = date.fromisoformat(born)
    except ValueError:
        return None
    today = now.astimezone(_zone(facts.get("timezone"))).date()
    return today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))


def _zone(name: object) -> ZoneInfo:
    try:
        return ZoneInfo(name) if isinstance(name, str) else ZoneInfo("UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
