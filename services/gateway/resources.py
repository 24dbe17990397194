"""What the gateway holds while it runs: opened and closed by its lifespan."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from services.gateway.compose import COMPOSED_SCOPES, Composer, Gates, Timing
from services.gateway.credentials import Credentials
from services.gateway.forward import Forwarder
from services.gateway.gate import Gate
from services.gateway.lags import Lags
from services.gateway.lastgood import LastGood
from services.gateway.neighbours import Neighbours
from services.gateway.popular import Fetch, PopularLists
from services.gateway.retry import RetryBudget
from services.gateway.rows import ServiceName
from services.gateway.schemas import SECTIONS
from services.gateway.settings import GatewaySettings
from services.gateway.tokens import InternalTokens
from services.insurance.client import InsuranceClient
from services.intent.client import IntentClient
from services.kit.http import Backend, CallContext, open_session
from services.kit.identity import Caller, Keyring
from services.kit.resilience import Breaker, Bulkhead, Deadline
from services.kit.telemetry import current_trace
from services.kit.wire import Locale
from services.profile.client import ProfileClient
from services.recommend.client import RecommendClient
from services.recommend.schemas import ListedItem

POPULAR_LENGTH = 50
POPULAR_DEADLINE_MS = 2_000


@dataclass(frozen=True, slots=True)
class Resources:
    """Everything that a route needs."""

    settings: GatewaySettings
    credentials: Credentials
    composer: Composer
    forwarder: Forwarder
    lags: Lags


@asynccontextmanager
async def opened(settings: GatewaySettings, credentials: Credentials) -> AsyncIterator[Resources]:
    """The resources while the block runs."""
    async with open_session(connections_per_host=settings.max_in_flight * 3) as session, credentials.watched():
        backends = _backends(settings, session)
        tokens = InternalTokens(Keyring(settings.shared.internal_keys.get_secret_value()))
        neighbours = neighbours_of(backends)
        retries = RetryBudget(share=settings.retry_share)
        composer = _composer(settings, neighbours, tokens, retries)
        forwarder = Forwarder(
            backends,
            {name: Bulkhead(settings.max_in_flight) for name in backends},
            tokens=tokens,
            budget=retries,
            max_json_depth=settings.max_json_depth,
        )
        lags = Lags({"profile": backends["profile"], "recommend": backends["recommend"]}, tokens)
        try:
            yield Resources(settings, credentials, composer, forwarder, lags)
        finally:
            await composer.gates.close()
            await composer.popular.close()


def neighbours_of(backends: dict[ServiceName, Backend]) -> Neighbours:
    """The typed clients of the back ends."""
    return Neighbours(
        profile=ProfileClient(backends["profile"]),
        intent=IntentClient(backends["intent"]),
        recommend=RecommendClient(backends["recommend"]),
        insurance=InsuranceClient(backends["insurance"]),
    )


def _backends(settings: GatewaySettings, session: aiohttp.ClientSession) -> dict[ServiceName, Backend]:
    return {
        "profile": Backend(session, settings.profile_url, "profile"),
        "recommend": Backend(session, settings.recommend_url, "recommend"),
        "intent": Backend(session, settings.intent_url, "intent"),
        "insurance": Backend(session, settings.insurance_url, "insurance"),
    }


def _composer(
    settings: GatewaySettings, neighbours: Neighbours, tokens: InternalTokens, retries: RetryBudget
) -> Composer:
    return Composer(
        neighbours=neighbours,
        gates=Gates(**{name: _gate(settings, retries, idempotent=name != "campaign") for name in SECTIONS}),
        answers=LastGood(entries=settings.stale_entries, max_age_s=settings.stale_max_age_s),
        popular=PopularLists(_popular_reader(neighbours, tokens), refresh_s=settings.popular_refresh_s),
        timing=Timing(
            longest_ms=settings.max_deadline_ms,
            first_stage_ms=settings.first_stage_ms,
            margin_ms=settings.answer_margin_ms,
            consents_max_age_ms=settings.stale_consents_max_age_s * 1000,
        ),
        tokens=tokens,
    )


def _gate(settings: GatewaySettings, retries: RetryBudget, *, idempotent: bool) -> Gate:
    """Probes cost their callers nothing, so that the pause between them need not grow far."""
    pause_s = settings.breaker_pause_ms / 1000
    return Gate(
        breaker=Breaker(minimum=settings.breaker_failures, pause_s=pause_s, longest_pause_s=2 * pause_s),
        bulkhead=Bulkhead(settings.max_in_flight),
        fair_budget_s=settings.first_stage_ms / 2000,
        retries=retries,
        idempotent=idempotent,
    )


def _popular_reader(neighbours: Neighbours, tokens: InternalTokens) -> Fetch:
    async def fetch(tenant_id: str, locale: Locale) -> Sequence[ListedItem]:
        caller = Caller(tenant_id, "gateway", "server", COMPOSED_SCOPES)
        context = CallContext(tokens.token_for(caller), current_trace(), Deadline.after_ms(POPULAR_DEADLINE_MS))
        return (await neighbours.recommend.popular(locale=locale, limit=POPULAR_LENGTH, context=context)).data

    return fetch
