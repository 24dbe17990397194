"""The migrations make exactly the tables that the code declares."""

import asyncio
from importlib import import_module

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

SERVICES = ("profile", "recommend", "intent", "insurance")


def differences(url: str, service: str) -> list[object]:
    metadata = import_module(f"services.{service}.tables").metadata

    def compare(connection):
        return compare_metadata(MigrationContext.configure(connection), metadata)

    async def run():
        engine = create_async_engine(url, poolclass=NullPool)
        async with engine.connect() as connection:
            found = await connection.run_sync(compare)
        await engine.dispose()
        return found

    return asyncio.run(run())


# SQLAlchemy reflects no xid8, PostgreSQL's 64-bit transaction id: that column is compared by name only.
@pytest.mark.filterwarnings("ignore:Did not recognize type 'xid8'")
@pytest.mark.parametrize("service", SERVICES)
def test_migrated_tables_are_the_declared_ones(service, make_database):
    assert differences(make_database(service), service) == []


@pytest.mark.parametrize("service", SERVICES)
def test_the_tenant_leads_every_primary_key(service):
    metadata = import_module(f"services.{service}.tables").metadata
    of_the_installation = {"stream_positions", "model_wishes", "model_standings", "model_agreements"}
    for table in metadata.tables.values():
        if table.name not in of_the_installation:
            assert next(iter(table.primary_key.columns)).name == "tenant_id", table.name
