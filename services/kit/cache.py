"""Redis as a place for what may be lost: short time-outs, never a retry inside a request."""

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

TIMEOUT_S = 0.1


def open_redis(url: str, *, max_connections: int = 50, read_timeout_s: float = TIMEOUT_S) -> Redis:
    """A client whose every call ends within a few tenths of a second; callers treat `RedisError` as "go on without".

    The default pool raises at its cap, this one waits for `TIMEOUT_S`. Close it with `aclose()`.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=max_connections,
        timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
        socket_timeout=read_timeout_s,
        retry=Retry(NoBackoff(), 0),
    )
    return Redis.from_pool(pool)


def blocking(redis: Redis, *, block_ms: int) -> Redis:
    """A client to the same server whose reads may wait `block_ms`; for stream readers, one connection each."""
    settings = dict(redis.connection_pool.connection_kwargs)
    settings["socket_timeout"] = block_ms / 1000 + 1.0
    pool = BlockingConnectionPool(
        connection_class=redis.connection_pool.connection_class, max_connections=2, timeout=TIMEOUT_S, **settings
    )
    return Redis.from_pool(pool)
