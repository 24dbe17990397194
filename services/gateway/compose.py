"""The composed call: two stages, each in parallel, one deadline. How every section may fail is read at its call."""

import asyncio
import hashlib
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from services.gateway.gate import Gate
from services.gateway.lastgood import LastGood, Remembered
from services.gateway.neighbours import Neighbours
from services.gateway.plan import Known, why_skipped
from services.gateway.popular import PopularLists
from services.gateway.schemas import RecommendRequest, SectionName
from services.gateway.section import Section, section, skipped
from services.gateway.tokens import InternalTokens
from services.insurance.schemas import Offers, OffersRequest
from services.intent.schemas import UnderstandingResult
from services.kit.http import BackendInvalid, CallContext
from services.kit.identity import Caller
from services.kit.resilience import Deadline
from services.kit.telemetry import Trace
from services.profile.client import TaggedSnapshot
from services.profile.schemas import Snapshot
from services.recommend.schemas import CampaignAnswer, CampaignRequest, ContentAnswer, ContentRequest

T = TypeVar("T")

COMPOSED_SCOPES = frozenset({"profile:read", "understand", "recommend:read", "offers:read"})
"""What the gateway itself may read to put an answer together; what is shown depends on the caller's own scopes."""

FIRST_STAGE_SHARE = 3 / 8
MARGIN_SHARE = 1 / 4


@dataclass(frozen=True, slots=True)
class Timing:
    """How a deadline is spent. A short one is split in the proportions of the default."""

    longest_ms: float
    first_stage_ms: float
    margin_ms: float
    consents_max_age_ms: float

    def for_sections(self, deadline: Deadline) -> Deadline:
        """When the last section must be there, so that the answer is out by `deadline`."""
        bounded = deadline.shorter(self.longest_ms)
        left_ms = bounded.remaining() * 1000
        return bounded.shorter(left_ms - min(self.margin_ms, left_ms * MARGIN_SHARE))

    def for_first_stage(self, sections: Deadline) -> Deadline:
        """When profile and intent must be there."""
        return sections.shorter(min(self.first_stage_ms, sections.remaining() * 1000 * FIRST_STAGE_SHARE))


@dataclass(frozen=True, slots=True)
class Gates:
    """One gate a section: content may be slow while campaigns of the same back end are not."""

    profile: Gate
    intent: Gate
    content: Gate
    campaign: Gate
    insurance: Gate

    async def close(self) -> None:
        """End what still runs behind them."""
        for gate in (self.profile, self.intent, self.content, self.campaign, self.insurance):
            await gate.close()


@dataclass(frozen=True, slots=True)
class Place(Generic[T]):
    """One question's place among the last good answers."""

    answers: LastGood[Any]
    key: Hashable

    def remember(self, value: T) -> None:
        self.answers.remember(self.key, value)

    def recall(self) -> Remembered[T] | None:
        return self.answers.recall(self.key)


@dataclass(frozen=True, slots=True)
class Composition:
    """The five sections of one answer, and what is known of the person."""

    profile: Section[Snapshot]
    content: Section[ContentAnswer]
    intent: Section[UnderstandingResult]
    insurance: Section[Offers]
    campaign: Section[CampaignAnswer]
    known: Known


@dataclass(frozen=True, slots=True)
class Composer:
    """Asks the back ends and knows what to do when one of them does not answer."""

    neighbours: Neighbours
    gates: Gates
    answers: LastGood[Any]
    popular: PopularLists
    timing: Timing
    tokens: InternalTokens

    async def compose(
        self, question: RecommendRequest, caller: Caller, trace: Trace, deadline: Deadline
    ) -> Composition:
        """Always a composition: a back end that fails is told in its section."""
        self.popular.keep_fresh(caller.tenant_id, question.locale)
        token = self.tokens.token_for(Caller(caller.tenant_id, caller.subject, caller.kind, COMPOSED_SCOPES))
        visit = Visit(self, question, caller, token, trace, why_skipped(question, caller))
        within = self.timing.for_sections(deadline)
        first = self.timing.for_first_stage(within)
        # One call of each stage runs in this task: a task less costs a hundredth of the whole answer.
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(visit.intent(first))
            profile = await visit.profile(first)
        intent = reading.result()
        known = Known.of(question, profile, intent, consents_max_age_ms=self.timing.consents_max_age_ms)
        async with asyncio.TaskGroup() as group:
            insurance = group.create_task(visit.insurance(known, within))
            campaign = group.create_task(visit.campaign(known, within))
            content = await visit.content(known, within)
        return Composition(
            visit.shown("profile", profile),
            content,
            visit.shown("intent", intent),
            insurance.result(),
            campaign.result(),
            known,
        )


@dataclass(frozen=True, slots=True)
class Visit:
    """One composed call under way."""

    composer: Composer
    question: RecommendRequest
    caller: Caller
    token: str
    trace: Trace
    hidden: dict[SectionName, str]

    def shown(self, name: SectionName, asked: Section[T]) -> Section[T]:
        """A section of the first stage as the caller sees it: it may have been asked for the others' sake only."""
        return Section("skipped", reason=self.hidden[name]) if name in self.hidden else asked

    async def profile(self, within: Deadline) -> Section[Snapshot]:
        """The snapshot, asked for by its tag; the last one stands in."""
        in_need: tuple[SectionName, ...] = ("profile", "insurance", "campaign")
        if self._nobody_needs(*in_need, *(("content",) if self.question.personalise else ())):
            return skipped("profile", self.hidden["profile"])
        user_id, client = self.question.user_id, self.composer.neighbours.profile
        place: Place[TaggedSnapshot] = self._place("profile", user_id)
        kept = place.recall()
        tagged = await section(
            lambda until: client.snapshot(user_id, self._context(until), known=kept.value if kept else None),
            name="profile",
            gate=self.composer.gates.profile,
            within=within,
            stale=place,
        )
        return tagged.with_value(tagged.value.snapshot if tagged.value else None)

    async def intent(self, within: Deadline) -> Section[UnderstandingResult]:
        """What the message means; what the same message meant before stands in."""
        text = self.question.message
        if text is None or self._nobody_needs("intent", "insurance", "campaign"):
            return skipped("intent", self.hidden["intent"])
        return await section(
            lambda until: self._understood(text, until),
            name="intent",
            gate=self.composer.gates.intent,
            within=within,
            stale=self._place("intent", hashlib.sha256(text.encode()).digest()),
        )

    async def content(self, known: Known, within: Deadline) -> Section[ContentAnswer]:
        """What to show; the person's last list stands in, then what is popular with everybody."""
        if "content" in self.hidden:
            return skipped("content", self.hidden["content"])
        asked, client = self._content_request(known), self.composer.neighbours.recommend
        return await section(
            lambda until: client.content(asked, context=self._context(until)),
            name="content",
            gate=self.composer.gates.content,
            within=within,
            stale=self._place(
                "content",
                asked.user_id,
                known.consent_version,
                asked.personalise,
                asked.item_id,
                asked.surface,
                asked.limit,
            ),
            fallback=self._popular,
        )

    async def insurance(self, known: Known, within: Deadline) -> Section[Offers]:
        """What fits; the last offers stand in, without their prices, while the consents they rest on still count."""
        if "insurance" in self.hidden:
            return skipped("insurance", self.hidden["insurance"])
        asked, client = self._offers_request(known), self.composer.neighbours.insurance
        label = asked.intent.label if asked.intent else None
        place: Place[Offers] = self._place(
            "insurance", asked.user_id, known.consent_version, known.personalise, label, asked.limit
        )
        return await section(
            lambda until: client.offers(asked, context=self._context(until)),
            name="insurance",
            gate=self.composer.gates.insurance,
            within=within,
            stale=place if known.consents_count else None,
        )

    async def campaign(self, known: Known, within: Deadline) -> Section[CampaignAnswer]:
        """One campaign. Nothing stands in: its caps, hours and budget cannot be checked from memory."""
        if "campaign" in self.hidden:
            return skipped("campaign", self.hidden["campaign"])
        asked, client = self._campaign_request(known), self.composer.neighbours.recommend
        return await section(
            lambda until: client.campaign(asked, context=self._context(until)),
            name="campaign",
            gate=self.composer.gates.campaign,
            within=within,
        )

    async def _understood(self, text: str, until: Deadline) -> UnderstandingResult:
        answer = await self.composer.neighbours.intent.understand(text, context=self._context(until))
        if len(answer.results) != 1:
            raise BackendInvalid("intent", "not one result for one text")
        return answer.results[0]

    def _nobody_needs(self, *sections: SectionName) -> bool:
        return all(name in self.hidden for name in sections)

    def _context(self, until: Deadline) -> CallContext:
        return CallContext(self.token, self.trace, until)

    def _place(self, name: SectionName, *question: Hashable) -> Place[Any]:
        who = (self.caller.tenant_id, self.caller.subject, self.caller.scopes, self.question.locale)
        return Place(self.composer.answers, (name, *who, *question))

    def _popular(self) -> Remembered[ContentAnswer] | None:
        kept = self.composer.popular.latest(self.caller.tenant_id, self.question.locale)
        if kept is None:
            return None
        items = [item for item in kept.value if item.item_id != self.question.item_id]
        answer = ContentAnswer(
            items=items[: self.question.limit.content], notices=[], model_version=None, personalised=False
        )
        return Remembered(answer, kept.age_ms)

    def _content_request(self, known: Known) -> ContentRequest:
        return ContentRequest(
            user_id=self.question.user_id,
            person=known.reader,
            item_id=self.question.item_id,
            surface=self.question.surface,
            locale=self.question.locale,
            limit=self.question.limit.content,
            personalise=known.personalise,
        )

    def _offers_request(self, known: Known) -> OffersRequest:
        return OffersRequest(
            user_id=self.question.user_id,
            person=known.applicant,
            intent=known.stated_intent(),
            locale=self.question.locale,
            limit=self.question.limit.insurance,
        )

    def _campaign_request(self, known: Known) -> CampaignRequest:
        return CampaignRequest(
            user_id=self.question.user_id,
            person=known.reader,
            intent=known.campaign_intent(),
            surface=self.question.surface,
            locale=self.question.locale,
        )
