"""The knowledge base: documents in, tried, out."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from services.intent.assist.faults import KnowledgeFull
from services.intent.assist.knowledge import store
from services.intent.assist.knowledge.library import citation_of
from services.intent.assist.knowledge.passages import Passage, UnreadableDocument, passages_of
from services.intent.assist.knowledge.schemas import (
    Imported,
    KnowledgeAnswer,
    KnowledgeDocument,
    KnowledgeDocumentWithPassages,
    KnowledgeHit,
    KnowledgeQuestion,
    KnowledgeRequest,
    PassageView,
)
from services.intent.assist.knowledge.store import Document, Row
from services.intent.assist.schemas import CitationView
from services.intent.resources import Held
from services.intent.routes.assist import Cursor, Limit
from services.intent.routes.callers import servers_only
from services.intent.tables import idempotency_keys
from services.kit.app import deadline_of
from services.kit.errors import InvalidInput
from services.kit.idempotency import idempotent
from services.kit.identity import Caller, requires
from services.kit.pagination import Page, decode_cursor, encode_cursor
from services.kit.wire import ExternalId

router = APIRouter(tags=["knowledge"])
LIST = "assist/knowledge"

Writer = Annotated[Caller, requires("knowledge:write")]
Reader = Annotated[Caller, requires("knowledge:read")]
DocumentId = Annotated[ExternalId, Path(description="Your id of the document.")]


@router.post("/v1/assist/knowledge", status_code=201, response_model=Imported)
async def import_document(request: Request, body: KnowledgeRequest, held: Held, caller: Writer) -> Response:
    """Take in a document; the same content again changes nothing. It answers at once by its words, by meaning a little later."""
    servers_only(caller)
    url = str(body.url) if body.url else None
    try:
        cut = await asyncio.to_thread(passages_of, body.content, body.format, body.locale, url)
    except UnreadableDocument as error:
        raise InvalidInput(str(error), param="content") from error
    document = _document(body, url, cut)

    async def run() -> Imported:
        others = await store.how_many(connection, caller.tenant_id, but=body.document_id)
        if others + len(cut) > held.settings.assist_passages:
            raise KnowledgeFull(held.settings.assist_passages)
        row, changed = await store.put(connection, caller.tenant_id, document, cut, held.desk.now())
        return Imported(document=_view(row), changed=changed)

    async with held.db.begin() as connection:
        answer = await idempotent(connection, idempotency_keys, caller, request, body, run, status_code=201)
    await held.desk.library.refresh(caller.tenant_id)
    return answer


@router.get("/v1/assist/knowledge")
async def list_documents(
    held: Held, caller: Reader, limit: Limit = 50, cursor: Cursor = None
) -> Page[KnowledgeDocument]:
    """Documents in the order of their ids."""
    servers_only(caller)
    after = decode_cursor(LIST, cursor, str)[0] if cursor is not None else None
    async with held.db.connect() as connection:
        rows = await store.page_of(connection, caller.tenant_id, after=after, limit=limit + 1)
    data = [_view(each) for each in rows[:limit]]
    more = len(rows) > limit
    last = encode_cursor(LIST, data[-1].document_id) if more else None
    return Page[KnowledgeDocument](data=data, has_more=more, next_cursor=last)


@router.get("/v1/assist/knowledge/{document_id:path}")
async def read_document(document_id: DocumentId, held: Held, caller: Reader) -> KnowledgeDocumentWithPassages:
    """One document with its passages."""
    servers_only(caller)
    async with held.db.connect() as connection:
        row = await store.find(connection, caller.tenant_id, document_id)
        passages = await store.passages_of(connection, caller.tenant_id, document_id)
    content = [
        PassageView(
            number=each.number,
            section=each.section,
            question=each.question,
            text=each.text,
            locale=each.locale,
            url=each.url,
            tags=each.tags,
            embedded=each.embedding is not None,
        )
        for each in passages
    ]
    return KnowledgeDocumentWithPassages(**dict(_view(row)), content=content)


@router.delete("/v1/assist/knowledge/{document_id:path}")
async def delete_document(document_id: DocumentId, held: Held, caller: Writer) -> KnowledgeDocument:
    """Nothing of it is quoted any more. Sent again later it goes on with the next version."""
    servers_only(caller)
    async with held.db.begin() as connection:
        row = await store.delete(connection, caller.tenant_id, document_id, held.desk.now())
    await held.desk.library.refresh(caller.tenant_id)
    return _view(row)


@router.post("/v1/assist/knowledge/search")
async def try_question(request: Request, body: KnowledgeQuestion, held: Held, caller: Reader) -> KnowledgeAnswer:
    """The passages that come nearest to a question, each with the probability that it answers."""
    servers_only(caller)
    expires = deadline_of(request).at
    searched = await held.desk.library.search(caller.tenant_id, body.text, expires, limit=body.limit)
    if searched is None:
        return KnowledgeAnswer(retrieval=None, data=[])
    data = [
        KnowledgeHit(
            citation=CitationView(**asdict(citation_of(row, hit))), text=row.text, answers=place < searched.answers
        )
        for place, (row, hit) in enumerate(searched.hits)
    ]
    return KnowledgeAnswer(retrieval=searched.mode, data=data)


def _document(body: KnowledgeRequest, url: str | None, cut: Sequence[Passage]) -> Document:
    """The passages count too: what a later version cuts in another way is taken in anew when it is sent again."""
    said = "\0".join((body.title, body.format, body.locale, url or "", body.content, *map(repr, cut)))
    checksum = hashlib.sha256(said.encode()).hexdigest()
    return Document(body.document_id, body.title, body.format, body.locale, url, checksum)


def _view(row: Row) -> KnowledgeDocument:
    return KnowledgeDocument(
        document_id=row.document_id,
        version=row.version,
        title=row.title,
        format=row.format,
        locale=row.locale,
        url=row.url,
        passages=row.passages,
        created_at=row.created_at.astimezone(UTC),
        updated_at=row.updated_at.astimezone(UTC),
    )
