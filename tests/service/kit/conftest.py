import asyncio
from uuid import uuid4

import asyncpg
import pytest

from services.kit.database import Database, new_metadata
from services.kit.idempotency import add_idempotency_table
from services.kit.stream import add_stream_tables


class Store:
    """A database with the kit's own tables."""

    metadata = new_metadata()
    tables = add_stream_tables(metadata)
    keys = add_idempotency_table(metadata)

    def __init__(self, db: Database) -> None:
        self.db = db


@pytest.fixture
async def store(postgres):
    name = f"kit_{uuid4().hex}"
    admin = await asyncpg.connect(postgres.replace("+asyncpg", "") + "/postgres")
    await admin.execute(f'CREATE DATABASE "{name}"')
    db = Database.open(f"{postgres}/{name}")
    async with db.begin() as connection:
        await connection.run_sync(Store.metadata.create_all)
    yield Store(db)
    await db.close()
    await asyncio.sleep(0)
    await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await admin.close()
