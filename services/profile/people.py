"""What is held of a person, read in two queries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from services.profile.features import ItemFacts, ItemSums, PersonSums

_PERSON = sa.text(
    """
    SELECT f.events, f.first_at, f.last_at, f.activity, f.hours, f.updated_at,
           d.facts, d.declared_at, s.answers,
           coalesce(n.recorded, 0) AS recorded,
           (SELECT count(*) FROM consents c
             WHERE c.tenant_id = :tenant_id AND c.user_id = :user_id AND c.expires_at <= :now) AS expired
    FROM (SELECT 1) AS one
    LEFT JOIN person_features f ON f.tenant_id = :tenant_id AND f.user_id = :user_id
    LEFT JOIN consent_counts n ON n.tenant_id = :tenant_id AND n.user_id = :user_id
    CROSS JOIN LATERAL (SELECT jsonb_object_agg(fact, value) AS facts, max(declared_at) AS declared_at
                          FROM person_facts WHERE tenant_id = :tenant_id AND user_id = :user_id) d
    CROSS JOIN LATERAL (SELECT jsonb_object_agg(purpose, granted) AS answers
                          FROM consent_states WHERE tenant_id = :tenant_id AND user_id = :user_id
                           AND recipient = :recipient AND (expires_at IS NULL OR expires_at > :now)) s
    """
).columns(facts=JSONB, answers=JSONB)

_ITEM_COLUMNS = """p.user_id, p.events, p.purchases, p.refunds, p.completions, p.interest, p.paid, p.spend, i.domain,
    CASE WHEN i.currency = :home_currency THEN i.price::float8 END AS price"""

_ITEMS_OF_PERSON = sa.text(
    f"""
    SELECT {_ITEM_COLUMNS}
    FROM person_items p LEFT JOIN items i ON i.tenant_id = p.tenant_id AND i.item_id = p.item_id
    WHERE p.tenant_id = :tenant_id AND p.user_id = :user_id
    """  # noqa: S608  only this module's own constant is put in
)

ITEMS_OF_PAGE = sa.text(
    f"""
    SELECT {_ITEM_COLUMNS}
    FROM person_items p LEFT JOIN items i ON i.tenant_id = p.tenant_id AND i.item_id = p.item_id
    WHERE p.tenant_id = :tenant_id AND p.user_id > :after AND p.user_id <= :last
    """  # noqa: S608
)


@dataclass(frozen=True, slots=True)
class Held:
    """Everything that a snapshot is made of."""

    sums: PersonSums = field(default_factory=PersonSums)
    items: tuple[ItemFacts, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    answers: Mapping[str, bool] = field(default_factory=dict)  # consents in force, by purpose, for the platform
    consent_version: int = 0
    updated_at: datetime | None = None

    @property
    def known(self) -> bool:
        return self.sums.events > 0 or any(value is not None for value in self.facts.values())


async def held_of(
    connection: AsyncConnection, tenant_id: str, user_id: str, *, now: datetime, recipient: str, home_currency: str
) -> Held:
    """What is held of one person, anonymous or not; an empty `Held` for a stranger."""
    key = {"tenant_id": tenant_id, "user_id": user_id}
    row = (await connection.execute(_PERSON, {**key, "now": now, "recipient": recipient})).mappings().one()
    items: tuple[ItemFacts, ...] = ()
    if row["events"] is not None:
        found = await connection.execute(_ITEMS_OF_PERSON, {**key, "home_currency": home_currency})
        items = tuple(item_facts(item) for item in found)
    return Held(
        sums=person_sums(row) if row["events"] is not None else PersonSums(),
        items=items,
        facts=row["facts"] or {},
        answers=row["answers"] or {},
        consent_version=row["recorded"] + row["expired"],
        updated_at=max(filter(None, (row["updated_at"], row["declared_at"])), default=None),
    )


def person_sums(row: Mapping[str, Any] | sa.RowMapping) -> PersonSums:
    """A row of `person_features`."""
    first, last = row["first_at"].timestamp(), row["last_at"].timestamp()
    return PersonSums(row["events"], first, last, row["activity"], tuple(row["hours"]))


def item_facts(row: Any) -> ItemFacts:
    """A row of `person_items` joined with `items`: _ITEM_COLUMNS, which begin with the person."""
    _, events, purchases, refunds, completions, interest, paid, spend, domain, price = row
    return ItemFacts(ItemSums(events, purchases, refunds, completions, interest, paid, spend), domain, price)
