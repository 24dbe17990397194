"""Product versions in the database: draft, live, retired; what has been live never changes."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.insurance.tables import product_versions as versions

VersionRow = Any
"""A row of `product_versions`; columns as attributes."""


async def lock_products(connection: AsyncConnection, tenant_id: str) -> None:
    """One writer of a tenant's products at a time, until the transaction ends."""
    await connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"products:{tenant_id}", 0))))


async def all_versions(connection: AsyncConnection, tenant_id: str) -> Sequence[VersionRow]:
    """Every version of a tenant without its definition."""
    columns = (versions.c.product_id, versions.c.version, versions.c.status, versions.c.checksum)
    return (await connection.execute(select(*columns).where(versions.c.tenant_id == tenant_id))).all()


async def live_versions(connection: AsyncConnection, tenant_id: str) -> Sequence[VersionRow]:
    """The live versions with their definitions."""
    query = select(versions).where((versions.c.tenant_id == tenant_id) & (versions.c.status == "live"))
    return (await connection.execute(query.order_by(versions.c.product_id))).all()


async def live_checksums(connection: AsyncConnection, tenants: Iterable[str]) -> Sequence[VersionRow]:
    """(tenant, product, checksum) of everything live, for tenants that a process already serves."""
    columns = (versions.c.tenant_id, versions.c.product_id, versions.c.checksum)
    query = select(*columns).where(versions.c.tenant_id.in_(list(tenants)) & (versions.c.status == "live"))
    return (await connection.execute(query)).all()


async def tenants_with_products(connection: AsyncConnection) -> Sequence[str]:
    """Tenants that were served before."""
    return (await connection.execute(select(versions.c.tenant_id).distinct())).scalars().all()


async def find_version(
    connection: AsyncConnection, tenant_id: str, product_id: str, version: int | None
) -> VersionRow | None:
    """One version; the live one when none is named."""
    query = select(versions).where((versions.c.tenant_id == tenant_id) & (versions.c.product_id == product_id))
    wanted = versions.c.status == "live" if version is None else versions.c.version == version
    return (await connection.execute(query.where(wanted))).first()


async def page_of_versions(
    connection: AsyncConnection,
    tenant_id: str,
    *,
    status: str | None,
    after: tuple[str, int] | None,
    limit: int,
) -> Sequence[VersionRow]:
    """Versions in the order of (product_id, version) behind `after`."""
    query = select(versions).where(versions.c.tenant_id == tenant_id)
    if status is not None:
        query = query.where(versions.c.status == status)
    if after is not None:
        query = query.where(func.row(versions.c.product_id, versions.c.version) > func.row(*after))
    return (await connection.execute(query.order_by(versions.c.product_id, versions.c.version).limit(limit))).all()


async def insert_version(connection: AsyncConnection, row: dict[str, Any]) -> None:
    """Write a new version; a version that exists already stays as it is."""
    await connection.execute(upsert(versions).values(row).on_conflict_do_nothing())


async def replace_draft(connection: AsyncConnection, row: dict[str, Any]) -> None:
    """Write a draft, over the draft of the same version when there is one."""
    statement = upsert(versions).values(row)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "product_id", "version"],
            set_={"checksum": statement.excluded.checksum, "definition": statement.excluded.definition},
            where=versions.c.status == "draft",
        )
    )


async def make_live(
    connection: AsyncConnection, tenant_id: str, product_id: str, version: int, moment: datetime
) -> None:
    """Retire the live version, if there is one, and make this one live."""
    await retire(connection, tenant_id, product_id, None, moment)
    key = (versions.c.tenant_id == tenant_id) & (versions.c.product_id == product_id)
    await connection.execute(
        update(versions).where(key & (versions.c.version == version)).values(status="live", live_at=moment)
    )


async def retire(
    connection: AsyncConnection, tenant_id: str, product_id: str, version: int | None, moment: datetime
) -> int:
    """Retire a version, or whichever is live; returns how many were."""
    key = (versions.c.tenant_id == tenant_id) & (versions.c.product_id == product_id)
    wanted = versions.c.status == "live" if version is None else versions.c.version == version
    result = await connection.execute(
        update(versions)
        .where(key & wanted & (versions.c.status != "retired"))
        .values(status="retired", retired_at=moment)
    )
    return cast("CursorResult[Any]", result).rowcount
