import asyncio
import time
from datetime import UTC, datetime

import pytest
from redis.exceptions import RedisError
from sqlalchemy import func, select

from services.kit.cache import blocking, open_redis
from services.kit.stream import Consumer, Envelope, Relay, StreamKeys, last_sequence, publish
from services.kit.tasks import background

KEYS = StreamKeys("toys")


def fact(n: int) -> Envelope:
    now = datetime.now(UTC)
    return Envelope(type="toy.made", tenant_id="acme", subject="t", occurred_at=now, received_at=now, data={"n": n})


class Reader:
    """A consumer that remembers what it was given."""

    def __init__(self, store, redis, reading, name="shop"):
        self.seen = []
        self.fail_next = False
        self.consumer = Consumer(store.db, store.tables, redis, source="toys", name=name, handle=self.handle)
        self._redis = reading

    async def handle(self, connection, envelopes):
        if self.fail_next:
            self.fail_next = False
            raise RuntimeError("handler fails once")
        self.seen += [each.data["n"] for each in envelopes]

    async def drain(self):
        while await self.consumer.consume_once(self._redis, block_ms=10):
            pass


@pytest.fixture
async def redis(redis_url):
    client = open_redis(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
async def reader_of(store, redis):
    reading = blocking(redis, block_ms=30_000)
    yield lambda: Reader(store, redis, reading)
    await reading.aclose()


@pytest.fixture
def relay(store, redis):
    return Relay(store.db, store.tables, redis, source="toys")


async def put(store, *numbers):
    async with store.db.begin() as connection:
        await publish(connection, store.tables, [fact(n) for n in numbers])


async def test_facts_arrive_in_order_and_count_once(store, redis, relay, reader_of):
    reader = reader_of()
    await put(store, *range(1500))
    assert await relay.backlog() == 1500
    while await relay.relay_once():
        pass
    assert await relay.backlog() == 0
    assert await reader.consumer.lag() == 1500
    await reader.drain()
    await reader_of().drain()
    assert reader.seen == list(range(1500))
    assert await reader.consumer.lag() == 0


async def test_a_new_redis_brings_no_backlog_of_what_every_consumer_has(store, redis, relay, reader_of):
    reader = reader_of()
    await put(store, 1, 2)
    await relay.relay_once()
    await reader.drain()
    await redis.flushall()
    await reader.drain()
    assert await relay.relay_once() == 0
    assert await relay.backlog() == 0


async def test_what_was_rolled_back_is_never_published(store, relay):
    with pytest.raises(KeyError):
        async with store.db.begin() as connection:
            await publish(connection, store.tables, [fact(1)])
            raise KeyError
    assert await relay.relay_once() == 0


async def test_a_transaction_that_commits_late_is_not_skipped(store, redis, relay, reader_of):
    reader = reader_of()
    async with store.db.begin() as slow:
        await publish(slow, store.tables, [fact(1)])
        await put(store, 2)
        await relay.relay_once()
    await relay.relay_once()
    await reader.drain()
    assert reader.seen == [2, 1]


async def test_a_failing_handler_commits_nothing_and_gets_the_facts_again(store, redis, relay, reader_of):
    reader = reader_of()
    await put(store, 1, 2)
    await relay.relay_once()
    reader.fail_next = True
    with pytest.raises(RuntimeError):
        await reader.drain()
    await reader.drain()
    assert reader.seen == [1, 2]


async def test_after_redis_lost_everything_nothing_is_lost_or_counted_twice(store, redis, relay, reader_of):
    reader = reader_of()
    await put(store, 1, 2)
    await relay.relay_once()
    await reader.drain()
    await put(store, 3)
    await relay.relay_once()
    await redis.flushall()
    await relay.relay_once()
    await reader.drain()
    assert reader.seen == [1, 2, 3]


async def test_a_new_redis_is_not_given_what_every_consumer_has(store, redis, relay, reader_of):
    reader = reader_of()
    await put(store, *range(1200))
    while await relay.relay_once():
        pass
    await reader.drain()
    await redis.flushall()
    await put(store, 1200)
    relaying = asyncio.create_task(relay.relay_once())
    await reader.drain()
    assert await relaying == 1
    await reader.drain()
    assert reader.seen == list(range(1201))


async def test_a_consumer_that_finds_a_gap_gets_it_published_again(store, redis, relay, reader_of):
    reader = reader_of()
    await put(store, *range(10))
    await relay.relay_once()
    await redis.xtrim(KEYS.stream, maxlen=3, approximate=False)
    await reader.drain()
    assert reader.seen == []
    await relay.relay_once()
    await reader.drain()
    assert reader.seen == list(range(10))


async def test_sequences_go_on_after_old_rows_were_forgotten(store, redis, relay):
    await put(store, 1, 2, 3)
    await relay.relay_once()
    async with store.db.begin() as connection:
        await connection.execute(store.tables.outbox.delete())
    await put(store, 4)
    await relay.relay_once()
    assert await last_sequence(redis, KEYS) == 4


async def test_two_relays_and_two_workers_of_one_consumer_still_count_once(store, redis, reader_of):
    first, second = reader_of(), reader_of()
    relays = [Relay(store.db, store.tables, redis, source="toys") for _ in range(2)]
    async with background(*(each.run for each in relays), first.consumer.run, second.consumer.run):
        for n in range(50):
            await put(store, n)
        async with asyncio.timeout(60):
            while await relays[0].backlog() or await first.consumer.lag():  # Later on what is upstream would race it.
                await asyncio.sleep(0.05)
    assert sorted(first.seen + second.seen) == list(range(50))


async def test_an_unreachable_redis_costs_a_fraction_of_a_second_and_loses_nothing(store):
    nowhere = open_redis("redis://127.0.0.1:1/0")
    relay = Relay(store.db, store.tables, nowhere, source="toys")
    await put(store, 1)
    taken_s = []
    for _ in range(3):  # What else keeps the machine busy only adds.
        started = time.monotonic()
        with pytest.raises((RedisError, OSError)):
            await relay.relay_once()
        taken_s.append(time.monotonic() - started)
    assert min(taken_s) < 1
    async with store.db.connect() as connection:
        assert await connection.scalar(select(func.count()).select_from(store.tables.outbox)) == 1
    await nowhere.aclose()
