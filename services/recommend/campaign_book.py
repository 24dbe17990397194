"""Campaigns as they are stored, and all of them in memory, so that a choice reads no definition from the database."""

import asyncio

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.database import Database
from services.kit.errors import InvalidInput, NotFound, Unavailable
from services.kit.pagination import Page, decode_cursor, encode_cursor
from services.kit.telemetry import get_logger
from services.recommend.campaign_schemas import CampaignIn, StoredCampaign
from services.recommend.campaigns import Campaign
from services.recommend.changes import Changes
from services.recommend.eligibility import RuleError, parse_rule
from services.recommend.tables import campaigns

log = get_logger(__name__)


class InvalidRule(InvalidInput):
    """`code` says what is wrong with the rule, `param` where."""

    def __init__(self, error: RuleError) -> None:
        problem = {"param": error.param, "code": error.code, "detail": error.detail}
        super().__init__(error.detail, param=error.param, errors=[problem])


def campaign_of(campaign_id: str, definition: CampaignIn) -> Campaign:
    """A definition ready to be chosen from; raises InvalidRule."""
    try:
        rule = None if definition.eligibility is None else parse_rule(definition.eligibility)
    except RuleError as error:
        raise InvalidRule(error) from error
    return Campaign(
        campaign_id=campaign_id,
        status=definition.status,
        priority=definition.priority,
        categories=tuple(definition.categories),
        surfaces=frozenset(definition.surfaces),
        headline={str(locale): text for locale, text in definition.headline.items()},
        body={str(locale): text for locale, text in definition.body.items()},
        starts_at=definition.starts_at,
        ends_at=definition.ends_at,
        suitability_for=definition.suitability_for,
        rule=rule,
    )


async def put(connection: AsyncConnection, tenant_id: str, campaign_id: str, definition: CampaignIn) -> StoredCampaign:
    """Define a campaign, or replace its definition. Raises InvalidRule."""
    campaign_of(campaign_id, definition)
    row = insert(campaigns).values(
        tenant_id=tenant_id, campaign_id=campaign_id, definition=orjson.loads(definition.model_dump_json())
    )
    upsert = row.on_conflict_do_update(
        index_elements=["tenant_id", "campaign_id"],
        set_={
            "definition": row.excluded.definition,
            "updated_at": sa.func.now(),
            "changed_in": sa.func.pg_current_xact_id(),
        },
    ).returning(*_STORED)
    return _stored((await connection.execute(upsert)).mappings().one())


async def get(connection: AsyncConnection, tenant_id: str, campaign_id: str) -> StoredCampaign:
    """One campaign; raises NotFound."""
    query = sa.select(*_STORED).where(campaigns.c.tenant_id == tenant_id, campaigns.c.campaign_id == campaign_id)
    row = (await connection.execute(query)).mappings().one_or_none()
    if row is None:
        raise NotFound("No such campaign.", param="campaign_id")
    return _stored(row)


async def page(connection: AsyncConnection, tenant_id: str, *, cursor: str | None, limit: int) -> Page[StoredCampaign]:
    """Campaigns in the order of their ids."""
    c = campaigns.c
    query = sa.select(*_STORED).where(c.tenant_id == tenant_id).order_by(c.campaign_id).limit(limit + 1)
    if cursor is not None:
        (after,) = decode_cursor("campaigns", cursor, str)
        query = query.where(c.campaign_id > after)
    rows = (await connection.execute(query)).mappings().all()
    data = [_stored(row) for row in rows[:limit]]
    more = len(rows) > limit
    return Page[StoredCampaign](
        data=data, has_more=more, next_cursor=encode_cursor("campaigns", data[-1].campaign_id) if more else None
    )


_STORED = (campaigns.c.campaign_id, campaigns.c.definition, campaigns.c.updated_at)


def _stored(row: sa.RowMapping) -> StoredCampaign:
    """A row as it was stored, by this build or by a later one whose fields we do not know."""
    names = {"campaign_id": row["campaign_id"], "updated_at": row["updated_at"]}
    return StoredCampaign.model_validate({**row["definition"], **names})


class CampaignBook:
    """Every tenant's campaigns in memory; `refresh` takes in what changed."""

    def __init__(self, db: Database, *, every_s: float) -> None:
        self._db = db
        self._every_s = every_s
        self._campaigns: dict[str, dict[str, Campaign]] = {}
        self._changes = Changes(sa.select(*_STORED, campaigns.c.tenant_id), campaigns.c.changed_in)
        self._one_at_a_time = asyncio.Lock()

    def of(self, tenant_id: str) -> list[Campaign]:
        return list(self._campaigns.get(tenant_id, {}).values())

    async def refresh(self) -> None:
        """Take in changed definitions. Raises Unavailable."""
        async with self._one_at_a_time:
            async with self._db.connect() as connection:
                rows, mark = await self._changes.read(connection)
            for row in rows:
                stored = _stored(row)
                held = self._campaigns.setdefault(row["tenant_id"], {})
                held[stored.campaign_id] = campaign_of(stored.campaign_id, stored)
            self._changes.advance(mark)

    async def run(self) -> None:
        """Refresh until cancelled; a lost database is waited for."""
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self.refresh()
            except Unavailable:
                log.warning("campaigns_not_refreshed", reason="database unreachable")
