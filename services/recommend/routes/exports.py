"""Everything a fit needs, streamed as NDJSON through server-side cursors."""

from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any

import orjson
from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from services.kit.identity import Caller, requires
from services.recommend import interactions, items
from services.recommend.resources import Held

router = APIRouter(tags=["export"])

Exporter = Annotated[Caller, requires("recommend:export")]
_LINES_A_CHUNK = 500
_NDJSON = "application/x-ndjson"
_DOCUMENTED: dict[int | str, dict[str, Any]] = {200: {"content": {_NDJSON: {}}}}


@router.get("/v1/interactions/export", response_class=StreamingResponse, responses=_DOCUMENTED)
async def export_interactions(held: Held, caller: Exporter) -> StreamingResponse:
    """One interaction a line: user_id, item_id, type, value, timestamp; person by person, oldest first."""

    async def rows() -> AsyncIterator[Mapping[str, Any]]:
        async with held.db.connect() as connection:
            async for row in interactions.export(connection, caller.tenant_id):
                yield {str(name): value for name, value in row.items()}  # orjson refuses SQLAlchemy's kind of text

    return StreamingResponse(_ndjson(rows()), media_type=_NDJSON)


@router.get("/v1/items/export", response_class=StreamingResponse, responses=_DOCUMENTED)
async def export_items(held: Held, caller: Exporter) -> StreamingResponse:
    """One item a line, as `GET /v1/items/{item_id}` shows it."""

    async def rows() -> AsyncIterator[BaseModel]:
        async with held.db.connect() as connection:
            async for item in items.export(connection, caller.tenant_id):
                yield item

    return StreamingResponse(_ndjson(rows()), media_type=_NDJSON)


async def _ndjson(rows: AsyncIterator[Mapping[str, Any] | BaseModel]) -> AsyncIterator[bytes]:
    lines: list[bytes] = []
    async for row in rows:
        lines.append(_line(row))
        if len(lines) == _LINES_A_CHUNK:
            yield b"".join(lines)
            lines = []
    yield b"".join(lines)


def _line(row: Mapping[str, Any] | BaseModel) -> bytes:
    if isinstance(row, BaseModel):
        return row.model_dump_json().encode() + b"\n"
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z)
