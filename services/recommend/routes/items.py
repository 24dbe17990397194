"""The catalogue: upsert, import with its cleaning report, one item, pages."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from services.kit.identity import Caller, requires
from services.kit.pagination import Page
from services.kit.wire import ExternalId
from services.recommend import items
from services.recommend.item_import import ItemFile
from services.recommend.item_schemas import ImportReport, Item, ItemsIn, Upserted
from services.recommend.resources import Held

router = APIRouter(tags=["items"])

Writer = Annotated[Caller, requires("items:write")]
Reader = Annotated[Caller, requires("items:read")]
_LINES_A_TURN = 2_000


@router.post("/v1/items")
async def upsert(body: ItemsIn, held: Held, caller: Writer) -> Upserted:
    """Insert items, or replace them by id."""
    batch = list({item.item_id: item for item in body.items}.values())
    async with held.db.begin() as connection:
        changed = await items.upsert(connection, caller.tenant_id, batch)
    await held.catalogues.refresh(heats=False)
    return Upserted(upserted=len(batch), changed=changed)


@router.post("/v1/items/import", openapi_extra={"requestBody": {"content": {"application/x-ndjson": {}}}})
async def import_items(
    request: Request,
    held: Held,
    caller: Writer,
    dry_run: Annotated[bool, Query(description="Report what would happen, and write nothing.")] = False,
) -> ImportReport:
    """Take in a file of items, one JSON object a line: the good rows are kept, the bad ones reported by row and reason."""
    file = ItemFile()
    async for lines in _lines(request):
        await asyncio.to_thread(file.add, lines)
    batch = list(file.items.values())
    async with held.db.connect() if dry_run else held.db.begin() as connection:
        changed = await items.upsert(connection, caller.tenant_id, batch)
    if not dry_run:
        await held.catalogues.refresh(heats=False)
    return file.report(changed)


async def _lines(request: Request) -> AsyncIterator[list[bytes]]:
    """The body's lines, a few thousand at a time."""
    rest = b""
    lines: list[bytes] = []
    async for chunk in request.stream():
        *whole, rest = (rest + chunk).split(b"\n")
        lines.extend(whole)
        if len(lines) >= _LINES_A_TURN:
            yield lines
            lines = []
    yield [*lines, rest]


@router.get("/v1/items")
async def list_items(
    held: Held,
    caller: Reader,
    category: Annotated[str | None, Query(max_length=128, description="Items of this category only.")] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="Rows of one page.")] = 50,
    cursor: Annotated[str | None, Query(description="The `next_cursor` of the page before.")] = None,
) -> Page[Item]:
    """Items in the order of their ids."""
    async with held.db.connect() as connection:
        return await items.page(connection, caller.tenant_id, category=category, cursor=cursor, limit=limit)


@router.get("/v1/items/{item_id:path}")
async def get_item(item_id: Annotated[ExternalId, Path()], held: Held, caller: Reader) -> Item:
    """One item; 404 when there is none."""
    async with held.db.connect() as connection:
        return await items.get(connection, caller.tenant_id, item_id)
