"""Bulk import of events: one file part, one transaction, one cleaning report."""

import asyncio
from codecs import BOM_UTF8
from collections import Counter as Tally
from collections.abc import Sequence
from datetime import datetime

from services.kit.identity import Caller
from services.profile.batches import EVENTS
from services.profile.cleaning import Cleaned, Refusal, clean_lines
from services.profile.collector import collector_paused
from services.profile.dead_letters import Undeliverable, bury
from services.profile.recording import keep, record_events
from services.profile.resources import Resources
from services.profile.schemas import ImportedRow, ImportReport

ROWS_SHOWN = 100


async def import_events(resources: Resources, caller: Caller, body: bytes, *, dry_run: bool) -> ImportReport:
    """Clean the NDJSON of `body` and keep the good rows; with `dry_run` report the same and keep nothing."""
    received_at = resources.clock()
    with collector_paused():
        cleaned = await asyncio.to_thread(_clean, body, caller.tenant_id, received_at)
        kept = await (_try(resources, cleaned) if dry_run else _keep(resources, caller, cleaned, received_at))
    return _report(cleaned, kept)


async def _try(resources: Resources, cleaned: Cleaned) -> int:
    """How many events would be new; what `connect` changed is rolled back."""
    async with resources.db.connect() as connection:
        await connection.begin()
        return await keep(connection, cleaned.events)


async def _keep(resources: Resources, caller: Caller, cleaned: Cleaned, now: datetime) -> int:
    async with resources.db.begin() as connection:
        home_currency = resources.settings.home_currency
        events = await record_events(connection, cleaned.events, home_currency=home_currency, now=now)
        await bury(connection, caller.tenant_id, "import", map(_undeliverable, cleaned.refusals), now)
    for status, number in _outcomes(cleaned, len(events)):
        EVENTS.labels("import", status).inc(number)
    return len(events)


def _clean(body: bytes, tenant_id: str, received_at: datetime) -> Cleaned:
    return clean_lines(body.removeprefix(BOM_UTF8).splitlines(), tenant_id=tenant_id, received_at=received_at)


def _undeliverable(refusal: Refusal) -> Undeliverable:
    return Undeliverable(refusal.reason, refusal.param, refusal.detail, refusal.payload)


def _outcomes(cleaned: Cleaned, kept: int) -> Sequence[tuple[str, int]]:
    duplicates = len(cleaned.events) - kept
    return ("accepted", kept), ("duplicate", duplicates), ("rejected", len(cleaned.refusals))


def _report(cleaned: Cleaned, kept: int) -> ImportReport:
    refused = cleaned.refusals
    return ImportReport(
        read=cleaned.read,
        kept=kept,
        duplicates=len(cleaned.events) - kept,
        rejected=len(refused),
        reasons=dict(sorted(Tally(refusal.reason for refusal in refused).items())),
        rows=[
            ImportedRow(row=each.row, reason=each.reason, param=each.param, detail=each.detail)
            for each in refused[:ROWS_SHOWN]
        ],
    )
