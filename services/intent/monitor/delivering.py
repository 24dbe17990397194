"""Deliveries: whoever takes one moves its next attempt on first, so that no two workers send it at once and none is lost.

At least once: a worker that dies between sending and settling leaves the delivery due again, under the same id.
"""

import random
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, case, func, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intent.monitor.metrics import DELIVERIES, WAITING_DELIVERIES
from services.intent.monitor.outbound import Answer, Outbound
from services.intent.monitor.sealing import Sealer, Unsealable
from services.intent.monitor.webhooks import live_secrets
from services.intent.tables import monitor as tables
from services.kit.database import Database
from services.kit.webhooks import signed_headers

deliveries, notifications, webhooks = tables.deliveries, tables.notifications, tables.webhooks

PAUSES_S = (5, 60, 300, 1_800, 7_200, 18_000, 36_000)
"""Between attempts, jittered by a fifth either way: eight attempts within about 18 hours."""

JITTER = 0.2
LEASE = timedelta(seconds=60)
"""Longer than any attempt takes: `outbound.TOTAL_S`."""

CLOCKS_APART = timedelta(minutes=10)
"""No two clocks that are right differ by more: what is due later than any pause and this was put off by one that was ahead."""

_LONGEST_WAITS = {
    attempts: CLOCKS_APART + max(LEASE, (1 + JITTER) * timedelta(seconds=pause))
    for attempts, pause in enumerate((0, *PAUSES_S, 0))
}
"""By the attempts that were begun, from none to all eight."""

FAILING_FOR = timedelta(days=3)
"""A webhook that has answered nothing well for so long is disabled."""

GONE = 410


@dataclass(frozen=True, slots=True)
class Taken:
    """A delivery that is ours until its lease ends, with what is sent and where to."""

    row: RowMapping

    @property
    def identity(self) -> dict[str, Any]:
        return {name: self.row[name] for name in ("tenant_id", "notification_id", "webhook_id")}


async def deliver_one(db: Database, outbound: Outbound, sealer: Sealer, now: datetime) -> bool:
    """Try the delivery that has been due for longest; False when there is none.

    Webhooks that fail come after all others: one whose receiver hangs would keep every sender busy with what waits for it.
    The pause after a failed attempt begins with its end.
    """
    begun = time.monotonic()
    async with db.begin() as connection:
        taken = await _take(connection, now)
    if taken is None:
        return False
    answer = await _send(taken, outbound, sealer, now)
    async with db.begin() as connection:
        await _settle(connection, taken, answer, now, timedelta(seconds=time.monotonic() - begun))
    return True


async def waiting(connection: AsyncConnection) -> int:
    """How many deliveries wait, also as a metric: to webhooks that are disabled nothing is sent, and nothing waits."""
    d, w = deliveries.c, webhooks.c
    query = (
        select(func.count())
        .select_from(deliveries)
        .join(webhooks, (w.tenant_id == d.tenant_id) & (w.webhook_id == d.webhook_id))
    )
    found = int(await connection.scalar(query.where(d.state == "pending", w.enabled)) or 0)
    WAITING_DELIVERIES.set(found)
    return found


async def _take(connection: AsyncConnection, now: datetime) -> Taken | None:
    """The lease is a due moment in the future: nobody else takes the row before it."""
    d, n, w = deliveries.c, notifications.c, webhooks.c
    query = (
        select(deliveries, n.body, w.url, w.secrets)
        .join(notifications, (n.tenant_id == d.tenant_id) & (n.notification_id == d.notification_id))
        .join(webhooks, (w.tenant_id == d.tenant_id) & (w.webhook_id == d.webhook_id))
        .where(d.state == "pending", _is_due(now), w.enabled | (n.event == "webhook.test"))
        .order_by(w.failing_since.is_not(None), d.due_at)
        .limit(1)
        .with_for_update(of=deliveries, skip_locked=True)
    )
    row = (await connection.execute(query)).mappings().one_or_none()
    if row is None:
        return None
    taken = Taken(row)
    leased = {"due_at": now + LEASE, "attempts": row["attempts"] + 1}
    await connection.execute(update(deliveries).where(_same(taken)).values(leased))
    return taken


def _is_due(now: datetime) -> ColumnElement[bool]:
    """Whether the moment has come, or is so far ahead that the clock has been set back since: it would not come for as long."""
    d = deliveries.c
    longest = case(_LONGEST_WAITS, value=d.attempts)
    return (d.due_at <= now) | (d.due_at > literal(now) + longest)


async def _send(taken: Taken, outbound: Outbound, sealer: Sealer, now: datetime) -> Answer:
    row = taken.row
    try:
        live = live_secrets(row["tenant_id"], dict(row), sealer, now)
    except Unsealable:
        return Answer(None, "secret_unsealable")
    body = bytes(row["body"])
    headers = signed_headers(live, row["notification_id"], int(now.timestamp()), body)
    return await outbound.post(row["url"], {"Content-Type": "application/json", **headers}, body)


async def _settle(connection: AsyncConnection, taken: Taken, answer: Answer, now: datetime, took: timedelta) -> None:
    """Write down what came of an attempt begun at `now`, unless the lease ended and somebody else has tried since."""
    attempts = taken.row["attempts"] + 1
    values: dict[str, Any] = {"last_status": answer.status, "last_error": answer.error}
    pause = pause_after(attempts)
    if answer.ok:
        values |= {"state": "delivered", "settled_at": now + took}
    elif pause is None or answer.status == GONE:
        values |= {"state": "dead", "settled_at": now + took}
    else:
        values["due_at"] = now + took + pause
    mine = _same(taken) & (deliveries.c.attempts == attempts)
    await connection.execute(update(deliveries).where(mine).values(values))
    await _note_health(connection, taken, answer, now)
    DELIVERIES.labels("delivered" if answer.ok else "dead" if values.get("state") == "dead" else "failed").inc()


def pause_after(attempts: int) -> timedelta | None:
    """Until the next attempt; None when that was the last."""
    if attempts > len(PAUSES_S):
        return None
    return timedelta(seconds=PAUSES_S[attempts - 1] * random.uniform(1 - JITTER, 1 + JITTER))


async def _note_health(connection: AsyncConnection, taken: Taken, answer: Answer, now: datetime) -> None:
    """A webhook that answers well is well; one that says it is gone, or has failed for days, is disabled."""
    c = webhooks.c
    mine = (c.tenant_id == taken.row["tenant_id"]) & (c.webhook_id == taken.row["webhook_id"])
    if answer.ok:
        await connection.execute(update(webhooks).where(mine, c.failing_since.is_not(None)).values(failing_since=None))
        return
    failing = {"failing_since": func.coalesce(c.failing_since, now)}
    await connection.execute(update(webhooks).where(mine).values(failing))
    if answer.status == GONE:
        await connection.execute(update(webhooks).where(mine).values(enabled=False, disabled_because="gone"))
    long = c.enabled & (c.failing_since <= now - FAILING_FOR)
    await connection.execute(update(webhooks).where(mine, long).values(enabled=False, disabled_because="failing"))


def _same(taken: Taken) -> Any:
    c = deliveries.c
    identity = taken.identity
    return (
        (c.tenant_id == identity["tenant_id"])
        & (c.notification_id == identity["notification_id"])
        & (c.webhook_id == identity["webhook_id"])
    )
