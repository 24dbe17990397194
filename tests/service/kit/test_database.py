import asyncio
import struct

import pytest
from sqlalchemy import exc, text

from services.kit.database import Database
from services.kit.errors import Unavailable


async def test_an_unreachable_database_is_a_503(postgres):
    db = Database.open("postgresql+asyncpg://nobody:x@127.0.0.1:1/none")
    with pytest.raises(Unavailable):
        async with db.connect():
            pass
    await db.close()


def refusing(sqlstate):
    """A server that takes no connection, and says why (PostgreSQL's frontend/backend protocol 3)."""

    async def refuse(reader, writer):
        (length,) = struct.unpack("!I", await reader.readexactly(4))
        asked = await reader.readexactly(length - 4)
        if asked == struct.pack("!I", 80877103):
            writer.write(b"N")
            (length,) = struct.unpack("!I", await reader.readexactly(4))
            await reader.readexactly(length - 4)
        fields = b"SFATAL\0VFATAL\0C" + sqlstate.encode() + b"\0Mnot now\0\0"
        writer.write(b"E" + struct.pack("!I", len(fields) + 4) + fields)
        writer.close()

    return asyncio.start_server(refuse, "127.0.0.1", 0)


@pytest.mark.parametrize(
    ("sqlstate", "reason"),
    [
        ("57P03", "The database cannot be reached"),
        ("53300", "The database has no connection left"),
        ("53100", "The disk of the database is full"),
    ],
)
async def test_a_server_that_still_starts_or_is_full_is_a_503_that_says_so(sqlstate, reason):
    server = await refusing(sqlstate)
    db = Database.open(f"postgresql+asyncpg://nobody:x@127.0.0.1:{server.sockets[0].getsockname()[1]}/none")
    async with server:
        with pytest.raises(Unavailable, match=reason):
            async with db.connect():
                pass
    await db.close()


@pytest.mark.parametrize(
    ("sqlstate", "reason"), [("53100", "The disk of the database is full"), ("25006", "it is a standby")]
)
async def test_a_statement_that_finds_the_database_full_or_a_standby_says_so(store, sqlstate, reason):
    raised = f"DO $$ BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = '{sqlstate}'; END $$"
    with pytest.raises(Unavailable, match=reason):
        async with store.db.begin() as connection:
            await connection.exec_driver_sql(raised)


async def test_a_full_pool_is_a_503_and_frees_itself(store):
    one = Database.open(store.db.engine.url.render_as_string(hide_password=False), pool_size=1)
    async with one.connect():
        with pytest.raises(Unavailable, match="connections to the database are in use"):
            async with one.connect():
                pass
    async with one.connect() as connection:
        assert (await connection.exec_driver_sql("SELECT 1")).scalar() == 1
    await one.close()


async def test_a_time_out_of_the_callers_own_is_not_blamed_on_the_database(store):
    with pytest.raises(TimeoutError):
        async with store.db.connect():
            raise TimeoutError


class Relay:
    """Stands between a client and a server; connections that were made before `fall_silent` hear nothing more, and are not closed."""

    def __init__(self, host, port):
        self._behind = (host, port)
        self._open = []

    async def listen(self):
        server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        return server, server.sockets[0].getsockname()[1]

    async def _join(self, reader, writer):
        far_reader, far_writer = await asyncio.open_connection(*self._behind)
        passing = [
            asyncio.create_task(self._pass(reader, far_writer)),
            asyncio.create_task(self._pass(far_reader, writer)),
        ]
        self._open += [*passing, writer, far_writer]

    async def _pass(self, reader, writer):
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    def fall_silent(self):
        for each in self._open:
            if isinstance(each, asyncio.Task):
                each.cancel()

    def close(self):
        self.fall_silent()
        for each in self._open:
            if not isinstance(each, asyncio.Task):
                each.close()


async def test_a_connection_that_fell_silent_is_a_503_and_the_next_one_works(store):
    url = store.db.engine.url
    relay = Relay(url.host, url.port)
    server, port = await relay.listen()
    one = Database.open(
        url.set(host="127.0.0.1", port=port).render_as_string(hide_password=False), pool_size=1, statement_s=2.0
    )
    async with server, asyncio.timeout(60):
        async with one.begin() as connection:
            await connection.exec_driver_sql("SELECT 1")
        relay.fall_silent()
        with pytest.raises(Unavailable):
            async with one.begin() as connection:
                await connection.exec_driver_sql("SELECT 1")
        async with one.begin() as connection:
            assert (await connection.exec_driver_sql("SELECT 1")).scalar() == 1
        await one.close()
        relay.close()


async def test_a_server_that_became_a_standby_is_a_503(store):
    with pytest.raises(Unavailable):
        async with store.db.begin() as connection:
            await connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            await connection.exec_driver_sql("CREATE TABLE here (id int)")


async def test_what_a_failed_statement_was_given_is_not_in_its_error(store):
    with pytest.raises(exc.DBAPIError) as failed:
        async with store.db.begin() as connection:
            await connection.execute(
                text("SELECT 1 / (CASE WHEN :said = 'x' THEN 1 ELSE 0 END)"), {"said": "我叫王小明"}
            )
    assert "division by zero" in str(failed.value)
    assert "王小明" not in str(failed.value)
