"""Documents in: each is judged alone; the good ones are kept in one transaction, near-duplicates with their cluster."""

import asyncio
import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intent.monitor import documents as store
from services.intent.monitor.arrivals import Arrived, Cluster
from services.intent.monitor.clusters import cluster
from services.intent.monitor.document_schemas import DocumentIn, DocumentStatus, DocumentVerdict, DocumentVerdicts
from services.intent.monitor.metrics import DOCUMENTS
from services.intent.monitor.minhash import shingles, signed
from services.intent.monitor.turns import Turns
from services.kit.database import Database
from services.kit.errors import field_problems

TOLERATED_FUTURE = timedelta(minutes=10)
IN_FUTURE = "published_in_future"
_LOCK = 0x6D6F6E69


@dataclass(frozen=True, slots=True)
class Window:
    """How old a document may be, and how far apart near-duplicates."""

    oldest: timedelta
    near: timedelta


async def accept(
    db: Database, turns: Turns, tenant_id: str, batch: Sequence[object], *, window: Window, now: datetime
) -> DocumentVerdicts:
    """Keep what can be kept. Raises Unavailable and TooManyBatches, and then nothing was.

    What is published later than `now` is refused where the database's clock says so too: a clock that is behind loses nothing.
    """
    async with turns.turn(tenant_id):
        judged = await asyncio.to_thread(_judge, batch, window, now)
        if any(isinstance(each, DocumentVerdict) and each.code == IN_FUTURE for each in judged):
            async with db.connect() as connection:
                now = max(now, (await connection.execute(select(func.now()))).scalar_one())
            judged = await asyncio.to_thread(_judge, batch, window, now)
        arrived = [each for each in judged if isinstance(each, Arrived)]
        async with db.connect() as connection:
            known = await store.digests(connection, tenant_id, _names(arrived))
        arrived = await asyncio.to_thread(_signed, arrived, known)
        async with db.begin() as connection:
            kept = await _keep(connection, tenant_id, arrived, window, now)
    verdicts = [each if isinstance(each, DocumentVerdict) else kept[each.place] for each in judged]
    return _counted(verdicts)


def _judge(batch: Sequence[object], window: Window, now: datetime) -> list[Arrived | DocumentVerdict]:
    """Runs on a thread: long texts take milliseconds."""
    judged: list[Arrived | DocumentVerdict] = []
    for place, raw in enumerate(batch):
        try:
            document = DocumentIn.model_validate(raw)
        except ValidationError as error:
            first = field_problems(error.errors(include_input=False, include_url=False))[0]
            judged.append(_invalid(place, raw, first["code"], _lost_prefix(error), first["detail"]))
            continue
        if document.published_at > now + TOLERATED_FUTURE:
            judged.append(_invalid(place, raw, IN_FUTURE, "published_at", "Published later than now."))
        elif document.published_at < now - window.oldest:
            why = f"Published more than {window.oldest.days} days ago: documents are not kept for so long."
            judged.append(_invalid(place, raw, "too_old", "published_at", why))
        else:
            digest = hashlib.sha256(document.text.encode()).digest()
            published = min(document.published_at, now)
            judged.append(Arrived(place, document, published, digest))
    return judged


def _names(arrived: Sequence[Arrived]) -> list[str]:
    return [each.document.document_id for each in arrived]


def _signed(arrived: Sequence[Arrived], known: Collection[str]) -> list[Arrived]:
    """Runs on a thread. Those that are known already need no signature: crawlers send much of what they sent before."""
    made = []
    for each in arrived:
        words = None if each.document.document_id in known else shingles(each.document.text)
        made.append(each if words is None else replace(each, words=words, signed=signed(words)))
    return made


def _lost_prefix(error: ValidationError) -> str:
    return ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"])


def _invalid(place: int, raw: object, code: str, param: str, detail: str) -> DocumentVerdict:
    where = f"documents.{place}.{param}" if param else f"documents.{place}"
    return DocumentVerdict(document_id=_said_id(raw), status="invalid", code=code, param=where, detail=detail)


def _said_id(raw: object) -> str | None:
    """The id as it came, where it can be written back."""
    said: Any = raw.get("document_id") if isinstance(raw, dict) else None
    if not isinstance(said, str) or len(said) > 128:
        return None
    return said.encode("utf-8", "replace").decode()


async def _keep(
    connection: AsyncConnection, tenant_id: str, arrived: Sequence[Arrived], window: Window, now: datetime
) -> dict[int, DocumentVerdict]:
    """Verdicts by place. One batch of a tenant at a time, so that two copies that come at once find each other."""
    await connection.execute(select(func.pg_advisory_xact_lock(_LOCK, func.hashtext(tenant_id))))
    known = await store.digests(connection, tenant_id, _names(arrived))
    verdicts: dict[int, DocumentVerdict] = {}
    fresh: list[Arrived] = []
    for each in arrived:
        name = each.document.document_id
        if name in known:
            verdicts[each.place] = _duplicate(name, same=known[name] == each.digest)
        else:
            known[name] = each.digest
            fresh.append(each)
    clusters = await cluster(connection, tenant_id, fresh, window.near)
    await store.add(connection, tenant_id, fresh, clusters, now)
    verdicts |= {each.place: _kept(each, clusters[each.document.document_id]) for each in fresh}
    return verdicts


def _duplicate(document_id: str, *, same: bool) -> DocumentVerdict:
    if same:
        return DocumentVerdict(document_id=document_id, status="duplicate")
    detail = "This id came before with another text, which stays."
    return DocumentVerdict(document_id=document_id, status="duplicate", code="text_changed", detail=detail)


def _kept(each: Arrived, found: Cluster) -> DocumentVerdict:
    name = each.document.document_id
    if found.first == name:
        return DocumentVerdict(document_id=name, status="accepted")
    return DocumentVerdict(
        document_id=name, status="near_duplicate", near_duplicate_of=found.first, similarity=found.similarity
    )


def _counted(verdicts: Sequence[DocumentVerdict]) -> DocumentVerdicts:
    statuses: list[DocumentStatus] = [each.status for each in verdicts]
    for status in statuses:
        DOCUMENTS.labels(status).inc()
    return DocumentVerdicts(
        accepted=statuses.count("accepted"),
        duplicates=statuses.count("duplicate"),
        near_duplicates=statuses.count("near_duplicate"),
        invalid=statuses.count("invalid"),
        results=list(verdicts),
    )
