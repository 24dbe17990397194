"""The bot's memory, kept in Redis: it goes by itself after a while.

Half-filled forms hold personal data, which is why they live here and not in the database.
"""

from collections.abc import Awaitable, Callable
from dataclasses import fields
from functools import partial
from typing import Any

import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.intent.assist.found import Citation, Found, Passage
from services.intent.assist.session import FormState, Session, Wish
from services.kit.errors import Unavailable


class SessionsUnavailable(Unavailable):
    code = "sessions_unavailable"


class Sessions:
    """Sessions by tenant and conversation. Raises `SessionsUnavailable` when Redis does not answer."""

    def __init__(self, redis: Redis, *, lifetime_s: int) -> None:
        self._redis = redis
        self._lifetime_s = lifetime_s

    async def load(self, tenant_id: str, conversation_id: str) -> Session | None:
        """The session; None when there is none, or none any more."""
        raw = await _answer(lambda: self._redis.get(_key(tenant_id, conversation_id)))
        return _read(orjson.loads(raw)) if raw is not None else None

    async def save(self, tenant_id: str, conversation_id: str, session: Session) -> None:
        """Keep it for another lifetime."""
        value = orjson.dumps(session)
        await _answer(lambda: self._redis.set(_key(tenant_id, conversation_id), value, ex=self._lifetime_s))

    async def forget(self, tenant_id: str, *conversation_ids: str) -> None:
        """Nothing of these conversations stays."""
        for each in conversation_ids:  # one by one: their keys may lie on different nodes of a cluster
            await _answer(partial(self._redis.delete, _key(tenant_id, each)))


async def _answer(ask: Callable[[], Awaitable[Any]]) -> Any:
    """Asked once more when it fails: each call gives up after a tenth of a second, and a conversation has more time than that."""
    try:
        return await ask()
    except RedisError:
        try:
            return await ask()
        except RedisError as error:
            raise SessionsUnavailable(
                "The bot's memory cannot be reached; a person can still be asked for (转人工, human)."
            ) from error


def _key(tenant_id: str, conversation_id: str) -> str:
    return f"{{kuajie:assist:{tenant_id}:{conversation_id}}}:session"


_FIELDS = frozenset(field.name for field in fields(Session))


def _read(raw: dict[str, Any]) -> Session:
    """A session as this build knows it: what a newer one has added is left out."""
    form, offered, wish = raw.pop("form"), raw.pop("offered", None), raw.pop("wish", None)
    known = {name: value for name, value in raw.items() if name in _FIELDS}
    return Session(
        **known,
        form=FormState(**form) if form else None,
        offered=_offered(offered) if offered else None,
        wish=Wish(**wish) if wish else None,
    )


def _offered(raw: dict[str, Any]) -> Found:
    near = [Passage(each["quote"], Citation(**each["citation"])) for each in raw["near"]]
    return Found((), raw["retrieval"], near)
