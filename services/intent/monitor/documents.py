"""Documents in the database, with the bands of their signatures."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, RowMapping, Text, any_, insert, literal, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intent.monitor.arrivals import Arrived, Cluster, First
from services.intent.monitor.document_schemas import Document
from services.intent.monitor.minhash import bands
from services.intent.tables import monitor as tables
from services.kit.database import driver
from services.kit.errors import NotFound
from services.kit.pagination import Page, decode_cursor, encode_cursor

documents = tables.documents
LIST = "monitor/documents"

_SHOWN = [documents.c[name] for name in Document.model_fields]
CANDIDATES = """
SELECT DISTINCT asked.document_id AS document_id, hit.document_id AS candidate
FROM unnest($2::text[], $3::bigint[], $4::timestamptz[]) AS asked(document_id, band, published_at)
CROSS JOIN LATERAL (
  SELECT held.document_id FROM monitor_bands held
  WHERE held.tenant_id = $1 AND held.band = asked.band
    AND held.published_at BETWEEN asked.published_at - $5::interval AND asked.published_at + $5::interval
  LIMIT 8
) AS hit
"""

# Those of a document that is kept no longer outlive it, and it may come again.
_SIGNED = """
INSERT INTO monitor_bands (tenant_id, band, document_id, published_at)
SELECT $1, signs.* FROM unnest($2::bigint[], $3::text[], $4::timestamptz[]) AS signs
ON CONFLICT (tenant_id, band, published_at, document_id) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which documents a list holds; None leaves a part open."""

    topic: str | None = None
    source: str | None = None
    sentiment: str | None = None
    cluster_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def digests(connection: AsyncConnection, tenant_id: str, names: Sequence[str]) -> dict[str, bytes]:
    """Digests of the texts of those documents that are here already."""
    c = documents.c
    query = select(c.document_id, c.digest).where(c.tenant_id == tenant_id, _among(names))
    rows = await connection.execute(query)
    return {row.document_id: bytes(row.digest) for row in rows}


async def candidates(
    connection: AsyncConnection,
    tenant_id: str,
    signs: Mapping[str, Sequence[int]],
    published: Mapping[str, datetime],
    near: timedelta,
) -> dict[str, set[str]]:
    """For each of the named documents the firsts of clusters that it shares a band with: at most 8 a band."""
    asked = [(name, band, published[name]) for name, own in signs.items() for band in own]
    met: dict[str, set[str]] = {}
    if asked:
        raw = await driver(connection)
        columns = [list(column) for column in zip(*asked, strict=True)]
        for row in await raw.fetch(CANDIDATES, tenant_id, *columns, near):
            met.setdefault(row["document_id"], set()).add(row["candidate"])
    return met


async def firsts(connection: AsyncConnection, tenant_id: str, names: Collection[str]) -> dict[str, First]:
    """What new documents are held against."""
    if not names:
        return {}
    c = documents.c
    query = select(c.document_id, c.signature, c.text, c.published_at)
    rows = await connection.execute(query.where(c.tenant_id == tenant_id, _among(names)))
    return {
        row.document_id: First(np.frombuffer(row.signature, dtype="<u4"), row.text, row.published_at)
        for row in rows
        if row.signature is not None
    }


def _among(names: Collection[str]) -> ColumnElement[bool]:
    """As one parameter: a statement takes 32,767, and texts that are made to one pattern meet very many."""
    return documents.c.document_id == any_(literal(list(names), ARRAY(Text)))


async def add(
    connection: AsyncConnection,
    tenant_id: str,
    fresh: Sequence[Arrived],
    clusters: Mapping[str, Cluster],
    now: datetime,
) -> None:
    """Keep new documents; those that begin a cluster with their bands."""
    if not fresh:
        return
    await connection.execute(insert(documents), [_row(tenant_id, each, clusters, now) for each in fresh])
    begun = [each for each in fresh if clusters[each.document.document_id].first == each.document.document_id]
    signs = [
        (band, each.document.document_id, each.published_at)
        for each in begun
        if each.signed is not None
        for band in bands(each.signed)
    ]
    if signs:
        raw = await driver(connection)
        await raw.execute(_SIGNED, tenant_id, *(list(column) for column in zip(*signs, strict=True)))


def _row(tenant_id: str, each: Arrived, clusters: Mapping[str, Cluster], now: datetime) -> dict[str, Any]:
    found, said = clusters[each.document.document_id], each.document
    return {
        "tenant_id": tenant_id,
        "document_id": said.document_id,
        "text": said.text,
        "digest": each.digest,
        "published_at": each.published_at,
        "received_at": now,
        "source": said.source,
        "url": said.url,
        "author_hash": said.author_hash,
        "locale": said.locale,
        "weight": said.weight,
        "cluster_id": found.first,
        "similarity": found.similarity,
        "signature": None if each.signed is None else each.signed.astype("<u4").tobytes(),
        "state": "pending",
    }


async def get(connection: AsyncConnection, tenant_id: str, document_id: str) -> Document:
    """One document; raises NotFound."""
    c = documents.c
    query = select(*_SHOWN).where(c.tenant_id == tenant_id, c.document_id == document_id)
    row = (await connection.execute(query)).mappings().one_or_none()
    if row is None:
        raise NotFound("No such document.", param="document_id")
    return _document(row)


async def page(
    connection: AsyncConnection, tenant_id: str, wanted: Wanted, *, cursor: str | None, limit: int
) -> Page[Document]:
    """Documents, the newest publication first."""
    c = documents.c
    query = select(*_SHOWN).where(c.tenant_id == tenant_id, *_conditions(wanted))
    if cursor is not None:
        query = query.where(tuple_(c.published_at, c.document_id) < tuple_(*decode_cursor(LIST, cursor, datetime, str)))
    query = query.order_by(c.published_at.desc(), c.document_id.desc()).limit(limit + 1)
    rows = (await connection.execute(query)).mappings().all()
    data, more = [_document(row) for row in rows[:limit]], len(rows) > limit
    last = encode_cursor(LIST, data[-1].published_at, data[-1].document_id) if more else None
    return Page[Document](data=data, has_more=more, next_cursor=last)


def _conditions(wanted: Wanted) -> list[Any]:
    c = documents.c
    same = {
        "topic": wanted.topic,
        "source": wanted.source,
        "sentiment": wanted.sentiment,
        "cluster_id": wanted.cluster_id,
    }
    found: list[Any] = [c[name] == value for name, value in same.items() if value is not None]
    if wanted.since is not None:
        found.append(c.published_at >= wanted.since)
    if wanted.until is not None:
        found.append(c.published_at < wanted.until)
    return found


def _document(row: RowMapping) -> Document:
    return Document.model_validate(dict(row))
