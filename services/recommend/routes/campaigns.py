"""Campaigns: definitions, and the choice for one person with its trace."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query

from services.kit.identity import Caller, requires
from services.kit.pagination import Page
from services.kit.wire import ExternalId, localise
from services.recommend import campaign_book, verdicts
from services.recommend.campaign_schemas import CampaignIn, StoredCampaign
from services.recommend.campaigns import Campaign, Choice, Situation, Verdict, choose, known_facts
from services.recommend.resources import Held
from services.recommend.schemas import (
    CampaignAnswer,
    CampaignRequest,
    CampaignTrace,
    Intent,
    Person,
    ShownCampaign,
)

router = APIRouter(tags=["campaigns"])

CampaignId = Annotated[ExternalId, Path()]
Writer = Annotated[Caller, requires("campaigns:write")]
Reader = Annotated[Caller, requires("campaigns:read")]


@router.put("/v1/campaigns/{campaign_id}")
async def put_campaign(campaign_id: CampaignId, body: CampaignIn, held: Held, caller: Writer) -> StoredCampaign:
    """Define a campaign, or replace its definition. A rule that cannot be understood is a 422 that names its part."""
    async with held.db.begin() as connection:
        stored = await campaign_book.put(connection, caller.tenant_id, campaign_id, body)
    await held.campaigns.refresh()
    return stored


@router.get("/v1/campaigns")
async def list_campaigns(
    held: Held,
    caller: Reader,
    limit: Annotated[int, Query(ge=1, le=200, description="Rows of one page.")] = 50,
    cursor: Annotated[str | None, Query(description="The `next_cursor` of the page before.")] = None,
) -> Page[StoredCampaign]:
    """Campaigns in the order of their ids."""
    async with held.db.connect() as connection:
        return await campaign_book.page(connection, caller.tenant_id, cursor=cursor, limit=limit)


@router.get("/v1/campaigns/{campaign_id}")
async def get_campaign(campaign_id: CampaignId, held: Held, caller: Reader) -> StoredCampaign:
    """One campaign; 404 when there is none."""
    async with held.db.connect() as connection:
        return await campaign_book.get(connection, caller.tenant_id, campaign_id)


@router.post("/v1/campaign")
async def choose_campaign(
    body: CampaignRequest, held: Held, caller: Annotated[Caller, requires("recommend:read")]
) -> CampaignAnswer:
    """The campaign to show to one person now, or the reason why there is none; the trace tells it for every campaign."""
    caller.require_self(body.user_id)
    defined = held.campaigns.of(caller.tenant_id)
    found = await _verdicts(held, caller.tenant_id, body, defined)
    return _answer(choose(defined, _situation(body, found)), body.locale)


async def _verdicts(held: Held, tenant_id: str, body: CampaignRequest, defined: list[Campaign]) -> dict[str, Verdict]:
    """Read only where a regulated campaign could come of it."""
    if not _marketing(body) or not any(campaign.suitability_for for campaign in defined):
        return {}
    async with held.db.connect() as connection:
        return await verdicts.verdicts_of(connection, tenant_id, body.user_id)


def _marketing(body: CampaignRequest) -> bool:
    return body.person is not None and body.person.consents.get("marketing") is True


def _situation(body: CampaignRequest, found: dict[str, Verdict]) -> Situation:
    person, intent, now = body.person or Person(), body.intent or Intent(), datetime.now(UTC)
    moment = {
        "surface": body.surface,
        "locale": body.locale,
        "intent.label": intent.label,
        "intent.confidence": intent.confidence,
        "intent.topics": intent.topics if body.intent else None,
    }
    return Situation(
        marketing_consent=_marketing(body),
        facts=known_facts(person.model_dump(), moment, now),
        interests=person.interests,
        topics=intent.topics,
        surface=body.surface,
        now=now,
        verdicts=found,
    )


def _answer(choice: Choice, locale: str) -> CampaignAnswer:
    shown = choice.campaign and ShownCampaign(
        campaign_id=choice.campaign.campaign_id,
        headline=localise(choice.campaign.headline, locale),
        body=localise(choice.campaign.body, locale),
    )
    trace = [CampaignTrace(**asdict(each)) for each in choice.trace]
    return CampaignAnswer(campaign=shown, reason=choice.reason, trace=trace)
