import asyncio
import struct

import pytest

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


@pytest.mark.parametrize("sqlstate", ["57P03", "53300"])
async def test_a_server_that_still_starts_or_is_full_is_a_503(sqlstate):
    server = await refusing(sqlstate)
    db = Database.open(f"postgresql+asyncpg://nobody:x@127.0.0.1:{server.sockets[0].getsockname()[1]}/none")
    async with server:
        with pytest.raises(Unavailable):
            async with db.connect():
                pass
    await db.close()


async def test_a_full_pool_is_a_503_and_frees_itself(store):
    one = Database.open(store.db.engine.url.render_as_string(hide_password=False), pool_size=1)
    async with one.connect():
        with pytest.raises(Unavailable):
            async with one.connect():
                pass
    async with one.connect() as connection:
        assert (await connection.exec_driver_sql("SELECT 1")).scalar() == 1
    await one.close()


async def test_a_time_out_of_the_callers_own_is_not_blamed_on_the_database(store):
    with pytest.raises(TimeoutError):
        async with store.db.connect():
            raise TimeoutError
