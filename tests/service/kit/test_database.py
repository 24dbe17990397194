import pytest

from services.kit.database import Database
from services.kit.errors import Unavailable


async def test_an_unreachable_database_is_a_503(postgres):
    db = Database.open("postgresql+asyncpg://nobody:x@127.0.0.1:1/none")
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
