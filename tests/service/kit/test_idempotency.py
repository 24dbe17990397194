import asyncio

import pytest
from pydantic import BaseModel
from starlette.requests import Request

from services.kit.idempotency import IdempotencyKeyInFlight, IdempotencyKeyReused, idempotent, remembered
from services.kit.identity import Caller

SERVER = Caller("acme", "srv", "server", frozenset())


class Order(BaseModel):
    n: int


class Shop:
    def __init__(self, store):
        self.store = store
        self.orders = 0
        self.begun = asyncio.Event()

    async def order(self, n: int, key: str | None, caller: Caller = SERVER, *, hold: asyncio.Event | None = None):
        headers = [(b"idempotency-key", key.encode())] if key else []
        request = Request(
            {"type": "http", "method": "POST", "path": "/v1/orders", "headers": headers, "query_string": b""}
        )

        async def run() -> Order:
            self.orders += 1
            self.begun.set()
            if hold:
                await hold.wait()
            return Order(n=self.orders)

        async with self.store.db.begin() as connection:
            return await idempotent(connection, self.store.keys, caller, request, Order(n=n), run, status_code=201)


@pytest.fixture
def shop(store):
    return Shop(store)


async def test_the_same_key_and_body_get_the_same_answer_once(shop):
    first, again = await shop.order(1, "k"), await shop.order(1, "k")
    assert (first.status_code, first.body) == (again.status_code, again.body) == (201, b'{"n":1}')
    assert again.headers["idempotent-replayed"] == "true"
    assert shop.orders == 1


async def test_another_body_under_the_same_key_is_refused(shop):
    await shop.order(1, "k")
    with pytest.raises(IdempotencyKeyReused):
        await shop.order(2, "k")


async def test_without_a_key_every_request_runs(shop):
    await shop.order(1, None)
    await shop.order(1, None)
    assert shop.orders == 2


async def test_a_key_is_of_its_tenant_and_of_its_person(shop):
    await shop.order(1, "k")
    await shop.order(1, "k", Caller("other", "srv", "server", frozenset()))
    await shop.order(1, "k", Caller("acme", "u1", "person", frozenset()))
    assert shop.orders == 3


async def test_a_second_request_while_the_first_is_under_way_is_a_conflict(shop):
    hold = asyncio.Event()
    first = asyncio.create_task(shop.order(1, "k", hold=hold))
    await shop.begun.wait()
    with pytest.raises(IdempotencyKeyInFlight):
        await shop.order(1, "k")
    hold.set()
    assert (await first).body == b'{"n":1}'


async def test_a_key_is_remembered_only_after_its_answer(store) -> None:
    request = Request(
        {
            "type": "http",
            "method": "POST",
            "path": "/v1/orders",
            "headers": [(b"idempotency-key", b"k")],
            "query_string": b"",
        }
    )
    shop = Shop(store)
    async with store.db.connect() as connection:
        assert await remembered(connection, store.keys, SERVER, request, Order(n=1)) is None
    first = await shop.order(1, "k")
    async with store.db.connect() as connection:
        known = await remembered(connection, store.keys, SERVER, request, Order(n=1))
        assert known is not None
        assert (known.body, known.headers["Idempotent-Replayed"]) == (first.body, "true")
        with pytest.raises(IdempotencyKeyReused):
            await remembered(connection, store.keys, SERVER, request, Order(n=2))
