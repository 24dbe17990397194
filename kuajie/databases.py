"""The services' databases: created where we own the server, brought to the newest revision everywhere.

`python -m kuajie.databases` prepares a stack in a process of its own, so that the supervisor, which stays, does not carry
SQLAlchemy in its memory. It reads {"server": URL or null, "urls": {service: URL}, "ours": [service]} from its standard input.
"""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence

from kuajie.failures import CommandError
from kuajie.topology import migrations_of


def database_name(service: str) -> str:
    return f"kuajie_{service}"


def sqlalchemy_url(server_url: str, service: str) -> str:
    return f"{server_url.replace('postgresql://', 'postgresql+asyncpg://', 1)}/{database_name(service)}"


async def create_missing(server_url: str, services: Sequence[str]) -> None:
    import asyncpg

    connection = await asyncpg.connect(f"{server_url}/postgres", timeout=10)
    try:
        present = {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}
        for service in services:
            if database_name(service) not in present:
                await connection.execute(f'CREATE DATABASE "{database_name(service)}"')
    finally:
        await connection.close()


def migrate(service: str, url: str) -> bool:
    """Bring the service's database to the newest revision; False when it was there already. Raises CommandError."""
    import asyncpg
    from sqlalchemy.exc import SQLAlchemyError

    from services.kit.database import migrate as migrate_database

    try:
        return migrate_database(url, migrations_of(service))
    except (OSError, asyncpg.PostgresError, SQLAlchemyError) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise CommandError(f"the database of {service} could not be migrated: {reason[0]}") from error


def prepare(server_url: str | None, urls: Mapping[str, str], ours: Sequence[str]) -> list[str]:
    """Create the databases `ours` on the bundled server and migrate all in `urls`; the services that moved."""
    if server_url:
        asyncio.run(create_missing(server_url, ours))
    return [service for service, url in urls.items() if migrate(service, url)]


def main() -> None:
    order = json.load(sys.stdin)
    try:
        print(json.dumps(prepare(order["server"], order["urls"], order["ours"])))  # noqa: T201 - read by the supervisor
    except CommandError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
