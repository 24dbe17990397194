"""Passages and questions on which the model fails: what becomes of the others."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import numpy as np
import pytest

from services.intent.app import create_app
from services.intent.model import Appetite
from tests.service.intent.conftest import Headers, MakeSettings, OpenClient, difference, until_ready
from tests.unit.intent.fakes import Shelf, Version

HELP = """# 帮助

## 退款
退款在三天之内到账。

## 发票
BAD 发票随课程一起寄出。

## 优惠券
NONE 优惠券不可以转给别人。

## 课程
课程可以看一年，也可以下载。
"""
WIDTH = 64


class Vectors:
    """A text is its characters, counted by their codes. `BAD` raises, `NONE` gives numbers that are none; `lost`, all raises, and so
    do the next `failing` calls.
    """

    appetite = Appetite(token_budget=1_000, batch_cost=1)
    name, version = "vectors", "a"
    lost = False
    failing = 0

    def trouble(self) -> None: ...

    def encode(self, texts: Sequence[str]) -> list[Any]:
        self.failing -= 1
        if self.lost or self.failing >= 0 or any("BAD" in text for text in texts):
            raise ValueError
        return [Text(text) for text in texts]

    def run(self, batch: Sequence[Any]) -> list[str]:
        return list(batch)

    def decode(self, logits: Sequence[str]) -> list[Any]:
        return [vector(text) for text in logits]


class Text(str):
    """A text that knows how long it is."""

    __slots__ = ()

    @property
    def tokens(self) -> int:
        return len(self)


def vector(text: str) -> np.ndarray:
    if "NONE" in text:
        return np.full(WIDTH, np.nan, dtype=np.float32)
    counts = np.bincount([ord(each) % WIDTH for each in text], minlength=WIDTH).astype(np.float32)
    return counts / np.linalg.norm(counts)


class Embedding(Version):
    """The keyword model, with embeddings."""

    def __init__(self) -> None:
        super().__init__("a")
        self.vectors = Vectors()

    def embedding(self) -> Vectors:
        return self.vectors


@pytest.fixture
def model() -> Embedding:
    return Embedding()


@pytest.fixture
async def client(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings, model: Embedding
) -> AsyncIterator[httpx.AsyncClient]:
    async with app_client(create_app(make_settings(assist_refresh_s=0.05), Shelf.of(model))) as client:
        client.headers.update(internal_headers("knowledge:write", "knowledge:read"))
        await until_ready(client)
        yield client


async def put(client: httpx.AsyncClient) -> None:
    body = {"document_id": "help", "title": "帮助", "format": "markdown", "content": HELP}
    assert (await client.post("/v1/assist/knowledge", json=body)).status_code == 201


async def search(client: httpx.AsyncClient, text: str) -> dict[str, Any]:
    answer = await client.post("/v1/assist/knowledge/search", json={"text": text})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def embedded(client: httpx.AsyncClient) -> list[bool]:
    return [each["embedded"] for each in (await client.get("/v1/assist/knowledge/help")).json()["content"]]


async def until_embedded(client: httpx.AsyncClient, *wanted: bool) -> None:
    async with asyncio.timeout(60):
        while tuple(await embedded(client)) != wanted:
            await asyncio.sleep(0.02)


async def test_a_passage_on_which_the_model_fails_is_set_aside_and_told(client: httpx.AsyncClient) -> None:
    async with difference(client, "kuajie_assist_passages_set_aside_total") as set_aside:
        await put(client)
        async with asyncio.timeout(60):
            while (await search(client, "退款几天到账"))["retrieval"] != "hybrid":
                await asyncio.sleep(0.02)
    assert await embedded(client) == [True, False, False, True]
    assert set_aside == [2.0]
    found = (await search(client, "发票随课程一起寄出吗"))["data"]
    assert "BAD 发票随课程一起寄出。" in [each["text"] for each in found]


async def test_a_question_on_which_the_model_fails_is_searched_by_its_words(client: httpx.AsyncClient) -> None:
    await put(client)
    await until_embedded(client, True, False, False, True)
    for word in ("BAD", "NONE"):
        found = await search(client, f"{word} 退款在三天之内到账")
        assert found["retrieval"] == "lexical"
        assert found["data"][0]["text"] == "退款在三天之内到账。"


async def test_while_the_model_fails_on_everything_no_passage_is_set_aside(
    client: httpx.AsyncClient, model: Embedding
) -> None:
    model.vectors.lost = True
    async with difference(client, "kuajie_assist_passages_set_aside_total") as set_aside:
        await put(client)
        await asyncio.sleep(0.5)
    assert set_aside == [0.0]
    model.vectors.lost = False
    await until_embedded(client, True, False, False, True)


async def test_a_model_that_comes_back_in_the_middle_costs_no_passage_its_embedding(
    client: httpx.AsyncClient, model: Embedding
) -> None:
    model.vectors.failing = 4  # all in one batch, then three of them one by one
    await put(client)
    await until_embedded(client, True, False, False, True)
