"""Documents on which the model fails: what becomes of them, and of the others."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

import httpx
import pytest
from sqlalchemy import text

from services.intent.app import create_app
from services.intent.lexical.keyword import Spoken
from services.intent.monitor.counts import Counts
from services.intent.monitor.standing_in import stand_ins
from services.kit.database import Database
from tests.service.intent.conftest import Headers, MakeSettings, OpenClient, until_ready
from tests.service.intent.monitor.sending import HOUR, NEWS, document
from tests.service.intent.monitor.sending import send as send_documents
from tests.unit.intent.fakes import Shelf, Version

SAID = "UPDATE monitor_documents SET state = 'classified', topic = 'claims', sentiment = 'negative'"


class Frail(Version):
    """Fails on a text with BAD in it, and on every one while its device is `lost`."""

    lost = False

    def encode(self, texts: Sequence[str]) -> list[Spoken]:
        if self.lost or any("BAD" in text for text in texts):
            raise ValueError
        return super().encode(texts)

    def trouble(self) -> str | None:
        return "device_lost" if self.lost else None


@pytest.fixture
def model() -> Frail:
    return Frail("a")


@pytest.fixture
async def client(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings, model: Frail
) -> AsyncIterator[httpx.AsyncClient]:
    async with app_client(create_app(make_settings(), Shelf.of(model))) as client:
        client.headers.update(internal_headers("monitor:write", "monitor:read"))
        await until_ready(client)
        yield client


async def send(client: httpx.AsyncClient, *texts: str) -> None:
    now = datetime.now(UTC).isoformat()
    rows = [{"document_id": f"d{number}", "text": text, "published_at": now} for number, text in enumerate(texts)]
    assert (await client.post("/v1/monitor/documents", json={"documents": rows})).is_success


async def states(client: httpx.AsyncClient) -> dict[str, str]:
    rows = (await client.get("/v1/monitor/documents")).json()["data"]
    return {row["document_id"]: row["state"] for row in rows}


async def counted(client: httpx.AsyncClient) -> tuple[int, int, int]:
    """Documents, negatives and what came, of all topics and hours."""
    series = (await client.get("/v1/monitor/series")).json()["series"]
    points = [point for topic in series for point in topic["points"]]
    documents, negatives, received = (
        sum(point[name] for point in points) for name in ("documents", "negatives", "received")
    )
    return documents, negatives, received


async def until(client: httpx.AsyncClient, **wanted: str) -> None:
    async with asyncio.timeout(60):
        while await states(client) != wanted:
            await asyncio.sleep(0.02)


async def test_a_document_on_which_the_model_fails_holds_up_no_other(client: httpx.AsyncClient) -> None:
    await send(client, "退款太慢了", "BAD", "课程很好")
    await until(client, d0="classified", d1="failed", d2="classified")


async def test_while_the_device_is_lost_documents_wait(client: httpx.AsyncClient, model: Frail) -> None:
    model.lost = True
    await send(client, "退款太慢了", "BAD")
    await asyncio.sleep(1.0)
    assert await states(client) == {"d0": "pending", "d1": "pending"}
    model.lost = False
    await until(client, d0="classified", d1="failed")


async def test_a_cluster_whose_first_document_fails_counts_by_the_first_that_is_read(client: httpx.AsyncClient) -> None:
    await send_documents(client, document("d0", f"BAD{NEWS}"), document("d1"), document("d2"))
    await until(client, d0="failed", d1="classified", d2="classified")
    assert await counted(client) == (1, 1, 2)
    await send_documents(client, document("d3"))
    await until(client, d0="failed", d1="classified", d2="classified", d3="classified")
    assert await counted(client) == (1, 1, 3)


async def test_a_near_duplicate_that_comes_after_its_first_document_failed_counts_for_it(
    client: httpx.AsyncClient,
) -> None:
    await send_documents(client, document("d0", f"BAD{NEWS}"))
    await until(client, d0="failed")
    await send_documents(client, document("d1"), document("d2", f"BAD{NEWS}"))
    await until(client, d0="failed", d1="classified", d2="failed")
    assert await counted(client) == (1, 1, 1)


async def test_a_near_duplicate_that_was_read_before_its_first_document_failed_counts_for_it(
    client: httpx.AsyncClient, db: Database, model: Frail
) -> None:
    model.lost = True
    await send_documents(client, document("d0", f"BAD{NEWS}"), document("d1"), document("d2"))
    async with db.begin() as connection:
        await connection.execute(text("UPDATE monitor_documents SET state = 'held' WHERE document_id = 'd0'"))
    model.lost = False
    await until(client, d0="held", d1="classified", d2="classified")
    assert await counted(client) == (0, 0, 2)
    async with db.begin() as connection:
        await connection.execute(text("UPDATE monitor_documents SET state = 'pending' WHERE document_id = 'd0'"))
    await until(client, d0="failed", d1="classified", d2="classified")
    assert await counted(client) == (1, 1, 2)


async def test_a_first_document_that_fails_waits_for_the_near_duplicate_that_is_read_at_the_same_time(
    client: httpx.AsyncClient, db: Database, model: Frail
) -> None:
    model.lost = True
    await send_documents(client, document("d0"), document("d1"))
    async with db.begin() as connection:
        await connection.execute(text("UPDATE monitor_documents SET state = 'held'"))
    async with db.begin() as one, db.begin() as other:
        await one.execute(text(f"{SAID} WHERE document_id = 'd1'"))
        assert await stand_ins(one, "default", ["d0"], ["d1"]) == []
        await other.execute(text("UPDATE monitor_documents SET state = 'failed' WHERE document_id = 'd0'"))
        waiting = asyncio.create_task(stand_ins(other, "default", ["d0"], ["d0"]))
        await asyncio.sleep(0.2)
        await one.commit()
        assert await waiting == [(("claims", HOUR, ""), Counts(documents=1, negatives=1))]
