"""Which documents are read first, and what becomes of them where reading takes long."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import text

from services.intent.lexical.keyword import KeywordModel
from services.intent.monitor.classifying import classify_some
from services.intent.monitor.worker import classify
from services.intent.serving.engine import Answered, Engine
from services.intent.serving.failures import DeadlinePassed
from services.kit.database import Database
from tests.service.intent.conftest import Headers
from tests.service.intent.monitor.surging import SCOPES

NOW = datetime.now(UTC)
READ = text(
    "SELECT tenant_id, document_id FROM monitor_documents WHERE state = 'classified' ORDER BY tenant_id, document_id"
)


class Reader(Engine):
    """Reads with keywords; more than `most` texts at a time take too long."""

    def __init__(self, most: int = 1_000) -> None:
        super().__init__(0)
        self._most = most

    async def understand(self, texts: Sequence[str], **_: object) -> Answered:  # type: ignore[override]
        if len(texts) > self._most:
            raise DeadlinePassed
        model = KeywordModel()
        return Answered(model.name, model.version, model.decode(model.run(model.encode(texts))))


async def send(client: httpx.AsyncClient, begin: datetime, name: str, number: int, headers: dict[str, str]) -> None:
    documents = [
        {
            "document_id": f"{name}{place}",
            "text": "太差了",
            "published_at": (begin + place * timedelta(minutes=1)).isoformat(),
        }
        for place in range(number)
    ]
    answer = await client.post("/v1/monitor/documents", json={"documents": documents}, headers=headers)
    assert answer.json()["accepted"] == number, answer.text


async def read(db: Database) -> list[tuple[str, str]]:
    async with db.connect() as connection:
        return [(row.tenant_id, row.document_id) for row in await connection.execute(READ)]


async def test_a_file_of_old_documents_keeps_no_new_ones_waiting_neither_its_own_tenants_nor_anothers(
    client: httpx.AsyncClient, db: Database, internal_headers: Headers
) -> None:
    headers, other = (internal_headers(*SCOPES, tenant=tenant) for tenant in ("default", "other"))
    await send(client, NOW - timedelta(days=9), "old", 100, headers)
    await send(client, NOW - timedelta(minutes=5), "new", 2, headers)
    await send(client, NOW - timedelta(minutes=5), "theirs", 1, other)
    assert await classify_some(db, Reader(), NOW, 3) == 3
    assert await read(db) == [("default", "new0"), ("default", "new1"), ("other", "theirs0")]
    while await classify_some(db, Reader(), NOW):
        pass
    assert len(await read(db)) == 103


@pytest.mark.parametrize("most", [1, 5])
async def test_where_many_documents_are_too_many_fewer_are_read_at_a_time(
    client: httpx.AsyncClient, db: Database, internal_headers: Headers, most: int
) -> None:
    await send(client, NOW - timedelta(days=1), "slow", 20, internal_headers(*SCOPES))
    working = asyncio.create_task(classify(db, Reader(most)))
    try:
        async with asyncio.timeout(20):
            while len(await read(db)) < 20:
                await asyncio.sleep(0.05)
    finally:
        working.cancel()
