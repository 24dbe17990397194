"""What a new version makes of rows that the version before it wrote."""

import asyncio
from collections.abc import Callable

import asyncpg
from alembic import command
from alembic.config import Config

from kuajie.databases import migrations_of

OLD = """
INSERT INTO monitor_surges (tenant_id, surge_id, alert_id, topic, began, last_hour, detectors, evidence)
VALUES ('t', 's', 'a', 'fees', now(), now(), '{share_cusum,count_ewma,count_cusum}', '{"documents": 9, "hours": [{"count_z": 4.1}]}')
"""


def run_sql(url: str, statement: str) -> list[asyncpg.Record]:
    async def run() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(url)
        try:
            return list(await connection.fetch(statement))
        finally:
            await connection.close()

    return asyncio.run(run())


def test_surges_of_four_detectors_become_surges_of_two(make_database: Callable[[str], str]) -> None:
    url = make_database("intent")
    config = Config()
    config.set_main_option("script_location", str(migrations_of("intent")))
    config.attributes["url"] = url
    plain = url.replace("+asyncpg", "")
    command.downgrade(config, "0004")
    run_sql(plain, OLD)
    command.upgrade(config, "head")
    [row] = run_sql(
        plain, "SELECT detectors, evidence->>'documents' AS documents, evidence->'hours' AS hours FROM monitor_surges"
    )
    assert (row["detectors"], row["documents"], row["hours"]) == (["cusum", "ewma"], "9", "[]")
