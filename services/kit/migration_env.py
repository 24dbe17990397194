"""What every `migrations/env.py` runs: online migrations over asyncpg, one migrator at a time."""

import asyncio

from alembic import context
from sqlalchemy import Connection, MetaData, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

_LOCK = 0x6B75616A6965  # "kuajie": the advisory lock that concurrent migrators queue on.


def run(metadata: MetaData) -> None:
    """Upgrade the database whose URL the caller put into the configuration."""
    asyncio.run(_migrate(context.config.attributes["url"], metadata))


async def _migrate(url: str, metadata: MetaData) -> None:
    engine = create_async_engine(url, poolclass=pool.NullPool)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            await connection.run_sync(_upgrade, metadata)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, metadata: MetaData) -> None:
    context.configure(connection=connection, target_metadata=metadata)
    with context.begin_transaction():
        context.run_migrations()
