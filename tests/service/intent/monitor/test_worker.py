"""The background work of opinion monitoring: during a rollout, and what is said of it."""

import asyncio
from datetime import UTC, datetime

from sqlalchemy import text

from services.intent.app import create_app
from services.intent.monitor.delivering import waiting
from services.intent.monitor.notifying import enqueue
from services.kit.database import Database
from tests.service.intent.conftest import MakeSettings, OpenClient
from tests.service.intent.monitor.receiving import BODY, KEYS

WORK = {"classify", "watch", "deliver", "forget"}


async def test_a_database_without_tables_ends_none_of_the_work(
    app_client: OpenClient, make_settings: MakeSettings
) -> None:
    settings = make_settings(roles=frozenset({"worker"}), sealing_keys=KEYS)
    db = Database.open(settings.database_url.get_secret_value())
    async with db.begin() as connection:
        await connection.execute(text("ALTER SCHEMA public RENAME TO not_yet"))
    await db.close()
    async with app_client(create_app(settings)):
        await asyncio.sleep(0.5)  # Each has met the missing tables by then.
        assert {each.get_name() for each in asyncio.all_tasks()} >= WORK


async def test_nothing_waits_for_a_webhook_that_is_disabled(db: Database, hook: str) -> None:
    async with db.begin() as connection:
        await enqueue(connection, "default", "alert.opened", BODY, datetime.now(UTC))
        before = await waiting(connection)
        await connection.execute(text("UPDATE monitor_webhooks SET enabled = false"))
        assert (before, await waiting(connection)) == (1, 0)
