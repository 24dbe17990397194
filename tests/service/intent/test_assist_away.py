"""Customer service when a store, the model or a place in the queue is missing: a person can still be reached."""

import asyncio
from typing import Any

from pydantic import SecretStr

from services.intent.app import create_app
from services.kit.settings import SharedSettings
from tests.service.intent.conftest import Headers, MakeSettings, OpenClient, until_ready
from tests.service.intent.talking import SCOPES, begin, code_of, said, say
from tests.unit.intent.fakes import Shelf, Version


async def test_without_redis_the_bot_is_away_and_a_person_is_not(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings, shared_settings: SharedSettings
) -> None:
    nowhere = shared_settings.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:9/0")})
    async with app_client(create_app(make_settings(roles={"api"}, shared=nowhere))) as client:
        client.headers.update(internal_headers(*SCOPES))
        await until_ready(client)
        conversation = await begin(client)
        assert code_of(await say(client, conversation, "你好")) == (503, "sessions_unavailable")
        turn = await said(client, conversation, "转人工")
        assert (turn["conversation"]["owner"], turn["hand_off"]["status"]) == ("agent", "waiting")
        assert (await said(client, conversation, "在吗"))["reply"] is None


async def test_without_a_database_everything_is_a_503(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings
) -> None:
    url = "postgresql+asyncpg://nobody:nothing@127.0.0.1:9/none"
    async with app_client(create_app(make_settings(roles={"api"}, database_url=url))) as client:
        client.headers.update(internal_headers(*SCOPES))
        await until_ready(client)
        assert code_of(await say(client, "cnv_1", "转人工")) == (503, "unavailable")


async def test_without_a_model_a_person_can_be_reached_and_the_bot_says_that_it_is_not_there(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings, tmp_path: Any
) -> None:
    settings = make_settings(roles={"api"}, model="auto", model_dir=tmp_path / "none")
    async with app_client(create_app(settings)) as client:
        client.headers.update(internal_headers(*SCOPES))
        conversation = await begin(client)
        assert code_of(await say(client, conversation, "你好")) == (503, "unavailable")
        assert (await said(client, conversation, "人工"))["hand_off"]["reason"] == "requested"


async def test_with_a_full_queue_the_bot_is_busy_and_a_person_is_not(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings
) -> None:
    model = Version("a")
    settings = make_settings(roles={"api"}, queue_texts=64)
    async with app_client(create_app(settings, Shelf.of(model))) as client:
        client.headers.update(internal_headers(*SCOPES, "understand"))
        await until_ready(client)
        held = asyncio.create_task(
            client.post("/v1/understand", json={"texts": [f"wait {number:02}" for number in range(64)]})
        )
        assert await asyncio.to_thread(model.entered.wait, 60)
        conversation = await begin(client)
        assert code_of(await say(client, conversation, "你好")) == (429, "queue_full")
        turn = await said(client, conversation, "转人工")
        model.gate.set()
        assert (await held).status_code == 200
        assert turn["conversation"]["owner"] == "agent"
