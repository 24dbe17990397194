"""What a composed call has to ask, and what each back end may be told of the person."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from services.gateway.schemas import SECTIONS, RecommendRequest, SectionName
from services.gateway.section import Section
from services.insurance.schemas import Intent as StatedIntent
from services.insurance.schemas import Person as Applicant
from services.intent.schemas import UnderstandingResult
from services.kit.identity import Caller
from services.profile.schemas import Snapshot
from services.recommend.schemas import Intent as CampaignIntent
from services.recommend.schemas import Person as Reader

SCOPES: Mapping[SectionName, str] = {
    "profile": "profile:read",
    "intent": "understand",
    "content": "recommend:read",
    "campaign": "recommend:read",
    "insurance": "offers:read",
}
"""What a credential needs for a section to be shown to it."""

WITHOUT_ASKING = frozenset({"personalisation"})
"""Purposes that are allowed until somebody objects; for every other purpose nothing counts but a fresh yes."""


def why_skipped(question: RecommendRequest, caller: Caller) -> dict[SectionName, str]:
    """The sections that are not shown, each with the reason."""
    reasons = {name: _why_skipped(name, question, caller) for name in SECTIONS}
    return {name: reason for name, reason in reasons.items() if reason is not None}


def _why_skipped(name: SectionName, question: RecommendRequest, caller: Caller) -> str | None:
    if name not in question.sections:
        return "not_requested"
    if SCOPES[name] not in caller.scopes:
        return "scope_missing"
    if name == "intent" and question.message is None:
        return "no_message"
    if name == "profile" and not question.personalise:
        return "not_personalised"
    return None


@dataclass(frozen=True)
class Known:
    """What the first stage found out, and how far it may be used.

    `consents_count` is false when the profile is missing or too old to trust its consents: whoever withdrew one in the
    meantime must not be treated as if they had not.
    """

    snapshot: Snapshot | None
    understanding: UnderstandingResult | None
    personalise: bool
    consents_count: bool

    @classmethod
    def of(
        cls,
        question: RecommendRequest,
        profile: Section[Snapshot],
        intent: Section[UnderstandingResult],
        *,
        consents_max_age_ms: float,
    ) -> "Known":
        """From the sections of the first stage."""
        snapshot = profile.value
        agreed = snapshot is None or snapshot.consents.get("personalisation", True)
        counts = snapshot is not None and profile.age_ms <= consents_max_age_ms
        return cls(snapshot, intent.value, question.personalise and agreed, counts)

    @property
    def consent_version(self) -> int | None:
        """Part of every cache key."""
        return self.snapshot.consent_version if self.snapshot else None

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What the person declared, as it goes on the wire."""
        return self.snapshot.facts.model_dump(mode="json") if self.snapshot else {}

    @cached_property
    def reader(self) -> Reader | None:
        """The person for content and campaigns; consents alone where nothing may be personalised."""
        if (snapshot := self.snapshot) is None:
            return None
        if not self.personalise:
            return Reader(known=False, consents=self._consents(snapshot))
        return Reader(
            known=snapshot.known,
            segment=snapshot.segment,
            traits=snapshot.traits,
            interests=snapshot.interests,
            consents=self._consents(snapshot),
            facts=self.facts,
            features=snapshot.features,
        )

    @cached_property
    def applicant(self) -> Applicant | None:
        """The person for offers. Declared facts always go along: eligibility and suitability stand on them."""
        if (snapshot := self.snapshot) is None:
            return None
        return Applicant(
            facts=self.facts,
            consents=self._consents(snapshot),
            consent_version=snapshot.consent_version,
            traits=snapshot.traits if self.personalise else {},
        )

    def campaign_intent(self) -> CampaignIntent | None:
        """What was just said, for campaigns."""
        if (understood := self.understanding) is None or not understood.in_scope:
            return None
        return CampaignIntent(label=understood.label, confidence=understood.confidence, topics=understood.topics)

    def stated_intent(self) -> StatedIntent | None:
        """What was just said, for offers."""
        if (understood := self.understanding) is None or not understood.in_scope:
            return None
        return StatedIntent(label=understood.label, confidence=understood.confidence, topics=understood.topics)

    def _consents(self, snapshot: Snapshot) -> dict[str, bool]:
        if self.consents_count:
            return snapshot.consents
        return {purpose: given for purpose, given in snapshot.consents.items() if purpose in WITHOUT_ASKING}
