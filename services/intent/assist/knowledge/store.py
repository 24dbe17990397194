"""Documents and their passages in the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intent.assist.faults import DocumentNotFound
from services.intent.assist.knowledge.passages import Format, Passage
from services.intent.tables import assist
from services.kit.wire import Locale

Row = Any
"""A row of one of the tables; columns as attributes."""

documents, passages, revisions = assist.documents, assist.passages, assist.revisions


@dataclass(frozen=True, slots=True)
class Document:
    """What was sent; `checksum` is of all that matters of it."""

    document_id: str
    title: str
    format: Format
    locale: Locale
    url: str | None
    checksum: str


@dataclass(frozen=True, slots=True)
class Tried:
    """A passage and the embedding that the model `version` made of it, packed; None where it fails on this passage."""

    row: Row
    packed: bytes | None
    version: str


async def put(
    connection: AsyncConnection, tenant_id: str, document: Document, cut: Sequence[Passage], now: datetime
) -> tuple[Row, bool]:
    """The document as it stands now, and whether this made a new version of it. Passages that stay the same keep their embedding."""
    await _one_writer(connection, tenant_id)
    key = {"tenant_id": tenant_id, "document_id": document.document_id}
    known = (await connection.execute(sa.select(documents).filter_by(**key))).first()
    if known is not None and known.deleted_at is None and known.checksum == document.checksum:
        return known, False
    values = {
        "version": known.version + 1 if known else 1,
        "title": document.title,
        "format": document.format,
        "locale": document.locale,
        "url": document.url,
        "checksum": document.checksum,
        "passages": len(cut),
        "created_at": known.created_at if known else now,
        "updated_at": now,
        "deleted_at": None,
    }
    statement = upsert(documents).values(**key, **values)
    row = (
        await connection.execute(
            statement.on_conflict_do_update(index_elements=list(key), set_=values).returning(documents)
        )
    ).one()
    await _replace(connection, key, cut)
    await bump(connection, tenant_id)
    return row, True


async def _replace(connection: AsyncConnection, key: dict[str, str], cut: Sequence[Passage]) -> None:
    old = (await connection.execute(sa.select(passages).filter_by(**key))).all()
    vectors = {(each.section, each.question, each.text): (each.embedding, each.embedded_by) for each in old}
    await connection.execute(sa.delete(passages).filter_by(**key))
    rows = []
    for number, each in enumerate(cut, 1):
        embedding, embedded_by = vectors.get((each.section, each.question, each.text), (None, None))
        rows.append({
            **key, "number": number, "section": each.section, "question": each.question, "text": each.text, "locale": each.locale,
            "url": each.url, "tags": list(each.tags), "embedding": embedding, "embedded_by": embedded_by,
        })  # fmt: skip
    if rows:
        await connection.execute(sa.insert(passages), rows)


async def delete(connection: AsyncConnection, tenant_id: str, document_id: str, now: datetime) -> Row:
    """The document without passages; raises `DocumentNotFound`."""
    await _one_writer(connection, tenant_id)
    key = {"tenant_id": tenant_id, "document_id": document_id}
    await connection.execute(sa.delete(passages).filter_by(**key))
    statement = sa.update(documents).filter_by(**key).where(documents.c.deleted_at.is_(None))
    row = (await connection.execute(statement.values(deleted_at=now, passages=0).returning(documents))).first()
    if row is None:
        raise DocumentNotFound
    await bump(connection, tenant_id)
    return row


async def find(connection: AsyncConnection, tenant_id: str, document_id: str) -> Row:
    """One document; raises `DocumentNotFound`."""
    query = sa.select(documents).filter_by(tenant_id=tenant_id, document_id=document_id, deleted_at=None)
    row = (await connection.execute(query)).first()
    if row is None:
        raise DocumentNotFound
    return row


async def page_of(connection: AsyncConnection, tenant_id: str, *, after: str | None, limit: int) -> Sequence[Row]:
    """Documents in the order of their ids."""
    query = sa.select(documents).filter_by(tenant_id=tenant_id, deleted_at=None)
    if after is not None:
        query = query.where(documents.c.document_id > after)
    return (await connection.execute(query.order_by(documents.c.document_id).limit(limit))).all()


async def passages_of(connection: AsyncConnection, tenant_id: str, document_id: str) -> Sequence[Row]:
    """A document's passages in their order."""
    query = sa.select(passages).filter_by(tenant_id=tenant_id, document_id=document_id)
    return (await connection.execute(query.order_by(passages.c.number))).all()


async def all_passages(connection: AsyncConnection, tenant_id: str) -> Sequence[Row]:
    """Everything that a tenant knows, with the title and version of its document."""
    of_document = (passages.c.tenant_id == documents.c.tenant_id) & (passages.c.document_id == documents.c.document_id)
    query = sa.select(passages, documents.c.title, documents.c.version).join(documents, of_document)
    query = query.where(passages.c.tenant_id == tenant_id).order_by(passages.c.document_id, passages.c.number)
    return (await connection.execute(query)).all()


async def how_many(connection: AsyncConnection, tenant_id: str, *, but: str) -> int:
    """Passages of a tenant but for those of one document."""
    query = sa.select(sa.func.coalesce(sa.func.sum(documents.c.passages), 0)).filter_by(tenant_id=tenant_id)
    return int(await connection.scalar(query.where(documents.c.document_id != but)) or 0)


async def revision_of(connection: AsyncConnection, tenant_id: str) -> int:
    """How often a tenant's knowledge has changed."""
    return int(await connection.scalar(sa.select(revisions.c.revision).filter_by(tenant_id=tenant_id)) or 0)


async def bump(connection: AsyncConnection, tenant_id: str) -> None:
    """The tenant's knowledge has changed."""
    statement = upsert(revisions).values(tenant_id=tenant_id, revision=1)
    grown = {"revision": revisions.c.revision + 1}
    await connection.execute(statement.on_conflict_do_update(index_elements=["tenant_id"], set_=grown))


async def not_embedded(connection: AsyncConnection, version: str, limit: int) -> Sequence[Row]:
    """Passages of any tenant that this model version has not seen."""
    query = sa.select(passages).where(passages.c.embedded_by.is_distinct_from(version)).limit(limit)
    return (await connection.execute(query.order_by(passages.c.tenant_id, passages.c.document_id))).all()


async def keep_embeddings(connection: AsyncConnection, tried: Sequence[Tried]) -> None:
    """Write what became of passages whose text is still the one that was tried."""
    for each in tried:
        row = each.row
        same = {"tenant_id": row.tenant_id, "document_id": row.document_id, "number": row.number, "text": row.text}
        values = {"embedding": each.packed, "embedded_by": each.version}
        await connection.execute(sa.update(passages).filter_by(**same).values(values))
    for tenant_id in sorted({each.row.tenant_id for each in tried}):
        await bump(connection, tenant_id)


async def _one_writer(connection: AsyncConnection, tenant_id: str) -> None:
    """One writer of a tenant's knowledge at a time, until the transaction ends."""
    lock = sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(f"knowledge:{tenant_id}", 0))
    await connection.execute(sa.select(lock))
