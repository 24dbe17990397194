"""The recommend service over real stores, facts told as its neighbours tell them, and a small model."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import orjson
import pytest
from fastapi import FastAPI
from redis.asyncio import Redis

from services.kit.artifacts import Manifest, publish_artifact
from services.kit.settings import SharedSettings
from services.kit.stream import Envelope, StreamKeys
from services.recommend.app import create_app
from services.recommend.blend import Blend, Term
from services.recommend.model import KIND, RecommendModel
from services.recommend.neighbours import Neighbours
from services.recommend.settings import RecommendSettings

MARKETING = {"consents": {"marketing": True}, "known": True}
ALL_SCOPES = (
    "items:write",
    "items:read",
    "recommend:read",
    "recommend:export",
    "campaigns:write",
    "campaigns:read",
    "export:read",
)


@pytest.fixture
def settings(make_database, shared_settings: SharedSettings) -> RecommendSettings:
    return RecommendSettings(
        database_url=make_database("recommend"),
        shared=shared_settings,
        catalogue_refresh_s=0.05,
        popularity_refresh_s=0.05,
    )


@pytest.fixture
def app(settings: RecommendSettings) -> FastAPI:
    return create_app(settings)


@pytest.fixture
async def client(app: FastAPI, app_client, internal_headers) -> AsyncIterator[httpx.AsyncClient]:
    """Every scope, tenant `default`."""
    async with app_client(app) as opened:
        opened.headers.update(internal_headers(*ALL_SCOPES))
        yield opened


class Neighbour:
    """Puts facts on a service's stream, as its relay does."""

    def __init__(self, redis: Redis, source: str) -> None:
        self._redis = redis
        self._keys = StreamKeys(source)
        self.sequence = 0

    async def tell(self, kind: str, subject: str, data: Mapping[str, Any], **how: Any) -> Envelope:
        self.sequence += 1
        now = datetime.now(UTC)
        fact = Envelope(
            **{
                "type": kind,
                "tenant_id": "default",
                "subject": subject,
                "occurred_at": now,
                "received_at": now,
                "sequence": self.sequence,
                "data": dict(data),
                **how,
            }
        )
        await self.put(fact)
        return fact

    async def put(self, fact: Envelope) -> None:
        entry = orjson.dumps(fact.model_dump(mode="json"))
        await self._redis.xadd(self._keys.stream, {"e": entry}, id=f"{fact.sequence}-0")

    async def did(self, user_id: str, event: str, item_id: str | None, **how: Any) -> Envelope:
        """A person did something with an item."""
        value, properties = how.pop("value", None), how.pop("properties", {})
        data = {"event": event, "user_id": user_id, "item_id": item_id, "value": value, "properties": properties}
        return await self.tell("event.recorded", user_id, data, **how)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    opened = Redis.from_url(redis_url)
    yield opened
    await opened.aclose()


@pytest.fixture
def profile(redis: Redis) -> Neighbour:
    return Neighbour(redis, "profile")


@pytest.fixture
def insurance(redis: Redis) -> Neighbour:
    return Neighbour(redis, "insurance")


async def eventually(check: Callable[[], Awaitable[bool]], *, within_s: float = 60.0) -> float:
    """Seconds until `check` held; fails when it does not within the time."""
    started = time.perf_counter()
    while time.perf_counter() - started < within_s:
        if await check():
            return time.perf_counter() - started
        await asyncio.sleep(0.01)
    raise AssertionError(f"not within {within_s} s")


async def caught_up(client: httpx.AsyncClient) -> None:
    """Wait until every fact told so far has had its effect."""

    async def nothing_left() -> bool:
        return set((await client.get("/v1/lag")).json()["consumers"].values()) == {0}

    await eventually(nothing_left)


def item(item_id: str, *categories: str, title: str | None = None, **more: Any) -> dict[str, Any]:
    return {"item_id": item_id, "title": title or f"Course {item_id}", "categories": list(categories), **more}


async def put_items(client: httpx.AsyncClient, *items: Mapping[str, Any]) -> dict[str, Any]:
    answer = await client.post("/v1/items", json={"items": list(items)})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def content(client: httpx.AsyncClient, user_id: str = "u1", **more: Any) -> dict[str, Any]:
    answer = await client.post("/v1/content", json={"user_id": user_id, "locale": "en", **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids(answer: Mapping[str, Any], key: str = "items") -> list[str]:
    return [each["item_id"] for each in answer[key]]


def small_model(item_ids: Sequence[str], pairs: Mapping[tuple[str, str], float], label: str = "") -> RecommendModel:
    """A model whose only source says: having the first item of a pair speaks for the second with that strength."""
    size = len(item_ids)
    strength = np.zeros((size, size), np.float32)
    for (given, wanted), value in pairs.items():
        strength[item_ids.index(given), item_ids.index(wanted)] = value
    none = Neighbours.empty(size, size)
    return RecommendModel(
        item_ids=tuple(item_ids),
        categories=(),
        blend=Blend((Term("ease", "ease", "ease", "recent", 1.0, 1.0),), 365.0, 50, 0.0, 1.0, 0.0, 1e12),
        matrices={
            "ease": _sparse(strength),
            "knn": none,
            "markov": none,
            "text": none,
            "category": Neighbours.empty(0, size),
        },
        item_categories=Neighbours.empty(size, 0),
        prior=np.zeros((1, size), np.float32),
        popularity=np.zeros(size, np.float32),
        metadata={"label": label},
    )


def _sparse(dense: np.ndarray) -> Neighbours:
    rows, columns = np.nonzero(dense)
    indptr = np.searchsorted(rows, np.arange(len(dense) + 1)).astype(np.int64)
    return Neighbours(indptr, columns.astype(np.int32), dense[rows, columns], dense.shape[1])


def publish_model(folder: Path, model: RecommendModel, tenant: str = "default") -> Manifest:
    return publish_artifact(folder, tenant, KIND, model.save, model.metadata)


OpenClient = Callable[[FastAPI], AbstractAsyncContextManager[httpx.AsyncClient]]


@asynccontextmanager
async def opened(app: FastAPI, app_client: OpenClient, headers: Mapping[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    async with app_client(app) as client:
        client.headers.update(headers)
        yield client


CATALOGUE = [
    item("f1", "finance"),
    item("f2", "finance", "tax"),
    item("t1", "tech"),
    item("t2", "tech"),
    item("h1", "health"),
]


async def with_model(client, settings, item_ids, pairs, **extra):
    manifest = publish_model(settings.shared.artifacts_dir, small_model(item_ids, pairs), **extra)

    async def in_use() -> bool:
        return (await client.get("/v1/model")).json().get("version") == manifest.version

    await eventually(in_use)
    return manifest
