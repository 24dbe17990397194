"""Fakes at the seam: the four back ends as objects that answer, fail or hang as a test says."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from services.gateway.compose import COMPOSED_SCOPES, Composer, Composition, Gates, Timing
from services.gateway.gate import Gate
from services.gateway.lastgood import LastGood
from services.gateway.neighbours import Neighbours
from services.gateway.popular import PopularLists
from services.gateway.retry import RetryBudget
from services.gateway.schemas import RecommendRequest
from services.gateway.tokens import InternalTokens
from services.insurance.schemas import Offer, Offers, OffersRequest, OfferSuitability
from services.intent.schemas import ModelName, UnderstandingResult, UnderstandResponse
from services.kit.http import BackendTimeout, BackendUnavailable, CallContext
from services.kit.identity import Caller, Keyring
from services.kit.money import Money
from services.kit.resilience import Breaker, Bulkhead, Deadline
from services.kit.telemetry import begin_trace
from services.kit.wire import Locale
from services.profile.client import TaggedSnapshot
from services.profile.schemas import Snapshot
from services.recommend.schemas import (
    CampaignAnswer,
    CampaignRequest,
    ContentAnswer,
    ContentRequest,
    ItemList,
    ListedItem,
    ShownCampaign,
)

KEYS = "test:0123456789abcdef0123456789abcdef"

Behaviour = Callable[[], Awaitable[None]]


async def at_once() -> None:
    """Answer."""


async def hang() -> None:
    await asyncio.sleep(60)


async def refuse() -> None:
    raise BackendUnavailable("fake", "refused")


def item(name: str, source: str = "ease") -> ListedItem:
    return ListedItem(item_id=name, title=name, categories=["finance"], score=0.5, source=source, reasons=["why"])


def snapshot(**changes: Any) -> Snapshot:
    consents = {"personalisation": True, "marketing": True, "health": False, "finance": True, "partner_sharing": False}
    given = {
        "user_id": "u1",
        "known": True,
        "segment": "active",
        "traits": {"likes_finance": True},
        "interests": {"finance": 0.4},
        "facts": {"birth_date": "1992-05-17", "region": "CN-SH"},
        "consents": consents,
        "consent_version": 3,
        "features": {"spend": 12.5},
    }
    return Snapshot.model_validate(given | changes)


def offer() -> Offer:
    return Offer(
        reason_codes=["need"],
        reasons=["fits"],
        product_id="critical-illness-a",
        version=1,
        title="重疾险",
        kind="insurance",
        summary="…",
        suitability=OfferSuitability(reason_codes=[], reasons=[], verdict="suitable"),
        indicative_premium=Money(amount="128.00", currency="CNY"),  # type: ignore[arg-type]
        premium_period="year",
        illustrative=True,
    )


@dataclass
class Fakes:
    """All four back ends. `behave[name]` runs before an answer; `asked[name]` holds what was asked."""

    behave: dict[str, Behaviour] = field(default_factory=dict)
    asked: dict[str, list[Any]] = field(default_factory=dict)
    deadlines: dict[str, float] = field(default_factory=dict)
    cancelled: list[str] = field(default_factory=list)
    person: Snapshot = field(default_factory=snapshot)
    offers_answer: Offers = field(
        default_factory=lambda: Offers(offers=[offer()], disclosures=["ranking", "licensed-handoff"], considered=12)
    )
    notices: list[str] = field(default_factory=list)
    campaign_answer: CampaignAnswer = field(
        default_factory=lambda: CampaignAnswer(
            campaign=ShownCampaign(campaign_id="spring", headline="h", body="b"), reason=None, trace=[]
        )
    )
    results: int = 1

    def know(self, **changes: Any) -> None:
        """Change what profile knows of the person."""
        self.person = snapshot(**changes)

    async def _asked(self, name: str, question: Any, context: CallContext) -> None:
        self.asked.setdefault(name, []).append(question)
        self.deadlines[name] = context.deadline.remaining()
        try:
            async with asyncio.timeout(context.deadline.remaining()):
                await self.behave.get(name, at_once)()
        except TimeoutError as error:
            raise BackendTimeout(name, "deadline") from error
        except asyncio.CancelledError:
            self.cancelled.append(name)
            raise

    async def snapshot(
        self, user_id: str, context: CallContext, *, known: TaggedSnapshot | None = None
    ) -> TaggedSnapshot:
        await self._asked("profile", known.etag if known else None, context)
        return TaggedSnapshot(self.person, "tag-1")

    async def understand(self, text: str, *, context: CallContext) -> UnderstandResponse:
        await self._asked("intent", text, context)
        result = UnderstandingResult(
            label="insurance.buy",
            confidence=0.9,
            in_scope=True,
            sentiment="neutral",
            topics=["critical-illness"],
            purchase=0.9,
        )
        return UnderstandResponse(results=[result] * self.results, model=ModelName(name="fake", version="1"))

    async def content(self, request: ContentRequest, *, context: CallContext) -> ContentAnswer:
        await self._asked("content", request, context)
        return ContentAnswer(items=[item("c1")], notices=self.notices, model_version="1", personalised=True)

    async def campaign(self, request: CampaignRequest, *, context: CallContext) -> CampaignAnswer:
        await self._asked("campaign", request, context)
        return self.campaign_answer

    async def popular(self, *, locale: Locale, limit: int, context: CallContext) -> ItemList:
        await self._asked("popular", locale, context)
        return ItemList(data=[item("p1", "popular"), item("p2", "popular")], model_version=None)

    async def offers(self, request: OffersRequest, *, context: CallContext) -> Offers:
        await self._asked("insurance", request, context)
        return self.offers_answer


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Edge:
    """A composer over fakes, and a short way to ask it."""

    fakes: Fakes
    composer: Composer
    clock: Clock

    async def ask(self, *, deadline_ms: float = 400, caller: Caller | None = None, **question: Any) -> Composition:
        asked = RecommendRequest.model_validate({"user_id": "u1", "message": "我想买一份重疾险"} | question)
        trace = begin_trace(None, None)
        return await self.composer.compose(asked, caller or server(), trace, Deadline.after_ms(deadline_ms))


def server(subject: str = "key-1", tenant: str = "t1", scopes: frozenset[str] = COMPOSED_SCOPES) -> Caller:
    return Caller(tenant, subject, "server", scopes)


def make_gate(*, limit: int = 100, pause_s: float = 60.0) -> Gate:
    breaker = Breaker(minimum=3, pause_s=pause_s)
    return Gate(breaker=breaker, bulkhead=Bulkhead(limit), fair_budget_s=0.02, retries=RetryBudget(share=0, reserve=0))


@pytest.fixture
async def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time stands still while anything is done and passes at once where all wait for it: no machine is too slow for a deadline."""
    clock, selector = Clock(), asyncio.get_running_loop()._selector  # type: ignore[attr-defined]
    select = selector.select

    def wait(timeout: float | None) -> Any:
        found = select(timeout and 0)
        clock.now += 0 if found else timeout or 0
        return found

    monkeypatch.setattr("time.monotonic", clock)
    monkeypatch.setattr(selector, "select", wait)


@pytest.fixture
async def edge(unhurried: None) -> Any:
    fakes, clock = Fakes(), Clock()
    tokens = InternalTokens(Keyring(KEYS))

    async def popular(tenant_id: str, locale: Locale) -> Sequence[ListedItem]:
        context = CallContext("", begin_trace(None, None), Deadline.after_ms(1000))
        return (await fakes.popular(locale=locale, limit=50, context=context)).data

    composer = Composer(
        neighbours=Neighbours(profile=fakes, intent=fakes, recommend=fakes, insurance=fakes),
        gates=Gates(*(make_gate() for _ in range(5))),
        answers=LastGood(entries=100, max_age_s=300, clock=clock),
        popular=PopularLists(popular, refresh_s=60, clock=clock),
        timing=Timing(longest_ms=2000, first_stage_ms=150, margin_ms=10, consents_max_age_ms=60_000),
        tokens=tokens,
    )
    yield Edge(fakes, composer, clock)
    await composer.gates.close()
    await composer.popular.close()


@pytest.fixture
def behaviours() -> dict[str, Behaviour]:
    return {"at_once": at_once, "hang": hang, "refuse": refuse}
