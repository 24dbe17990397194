"""The migrations make the tables that the code knows."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.ext.asyncio import create_async_engine

from services.profile.tables import metadata


async def test_the_migrated_database_has_the_tables_of_the_code(make_database):
    engine = create_async_engine(make_database("profile"))
    async with engine.connect() as connection:
        found = await connection.run_sync(lambda sync: compare_metadata(MigrationContext.configure(sync), metadata))
    await engine.dispose()
    assert [change for change in found if "alembic_version" not in str(change)] == []


def test_the_tenant_leads_every_primary_key():
    keys = {table.name: next(iter(table.primary_key.columns.keys())) for table in metadata.tables.values()}
    keys.pop("stream_positions")  # of the installation
    assert set(keys.values()) == {"tenant_id"}
