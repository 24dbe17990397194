"""`Idempotency-Key` (IETF draft-ietf-httpapi-idempotency-key-header): the same key and body get the same answer, once."""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta

from fastapi import Request, Response
from pydantic import BaseModel
from sqlalchemy import Column, DateTime, Index, Integer, LargeBinary, MetaData, Table, Text, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.errors import BadRequest, Conflict, InvalidInput
from services.kit.identity import Caller

HEADER = "Idempotency-Key"
RETENTION = timedelta(days=7)


class IdempotencyKeyReused(InvalidInput):
    code = "idempotency_key_reused"


class IdempotencyKeyInFlight(Conflict):
    code = "idempotency_key_in_flight"


def add_idempotency_table(metadata: MetaData) -> Table:
    """Answers by key. Keys are of a tenant, a person's also of the person."""
    return Table(
        "idempotency_keys",
        metadata,
        Column("tenant_id", Text, primary_key=True),
        Column("owner", Text, primary_key=True),
        Column("route", Text, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("fingerprint", LargeBinary, nullable=False),
        Column("status", Integer, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Index("ix_idempotency_keys_created_at", "created_at"),
    )


async def idempotent(
    connection: AsyncConnection,
    table: Table,
    caller: Caller,
    request: Request,
    body: BaseModel,
    run: Callable[[], Awaitable[BaseModel]],
    *,
    status_code: int = 200,
) -> Response:
    """Run once for each key, in the caller's transaction: the effect and the remembered answer commit together.

    Without the header `run` simply runs. Raises 422 for a key that came with another body, 409 while its first request is under way.
    """
    if (identity := _identity(caller, request)) is None:
        return _json((await run()).model_dump_json().encode(), status_code)
    await _hold(connection, identity)
    if (answered := await remembered(connection, table, caller, request, body)) is not None:
        return answered
    answer = (await run()).model_dump_json().encode()
    await connection.execute(table.delete().where(table.c.created_at < func.now() - RETENTION))
    row = {**identity, "fingerprint": _fingerprint(body), "status": status_code, "body": answer}
    await connection.execute(insert(table).values(row))
    return _json(answer, status_code)


async def remembered(
    connection: AsyncConnection, table: Table, caller: Caller, request: Request, body: BaseModel
) -> Response | None:
    """The answer that this key got before; None without the header or at its first use. Raises 422 as `idempotent` does.

    For work that is prepared outside the transaction: asked first, a repeat is answered before anything is looked at.
    """
    if (identity := _identity(caller, request)) is None:
        return None
    known = (await connection.execute(select(table).filter_by(**identity))).mappings().first()
    if known is None:
        return None
    if known["fingerprint"] != _fingerprint(body):
        raise IdempotencyKeyReused("This key was used with another body.", param=HEADER)
    return _json(known["body"], known["status"], replayed=True)


def _identity(caller: Caller, request: Request) -> dict[str, str] | None:
    """Whose key it is, and for what; None without the header."""
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not 1 <= len(key) <= 255:
        raise BadRequest("An idempotency key has 1 to 255 characters.", param=HEADER)
    owner = caller.subject if caller.kind == "person" else ""
    return {"tenant_id": caller.tenant_id, "owner": owner, "route": f"{request.method} {request.url.path}", "key": key}


def _fingerprint(body: BaseModel) -> bytes:
    return hashlib.sha256(body.model_dump_json().encode()).digest()


async def _hold(connection: AsyncConnection, identity: dict[str, str]) -> None:
    digest = hashlib.sha256("\0".join(identity.values()).encode()).digest()
    number = int.from_bytes(digest[:8], "big", signed=True)
    if not await connection.scalar(select(func.pg_try_advisory_xact_lock(number))):
        raise IdempotencyKeyInFlight(
            "The first request with this key is still under way.", headers={"Retry-After": "1"}
        )


def _json(body: bytes, status_code: int, *, replayed: bool = False) -> Response:
    headers = {"Idempotent-Replayed": "true"} if replayed else None
    return Response(body, status_code, headers, "application/json")
