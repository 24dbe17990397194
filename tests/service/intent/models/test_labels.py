"""Models whose labels are not those of /v1/understand."""

from pathlib import Path

import httpx

from services.intent.app import create_app
from tests.service.intent.conftest import Headers, MakeSettings, OpenClient, until_ready
from tests.service.intent.models.operating import KEYWORD, SCOPES, ask, operator, said_by, until, view
from tests.service.intent.packages import write_package
from tests.service.intent.talking import begin, said

CARDS = ("card_arrival", "card_lost", "atm_support", "top_up", "greeting")


async def test_a_model_with_labels_of_its_own_is_asked_under_v2_and_not_promoted(
    client: httpx.AsyncClient, shelf: Path
) -> None:
    write_package(shelf, "cards", "card_lost", labels=CARDS)
    refused = await ask(client, "cards", "promote")
    problem = refused.json()
    assert (refused.status_code, problem["code"], problem["param"]) == (409, "foreign_labels", "version")
    assert problem["detail"] == (
        "cards may not serve: /v1/understand knows no label card_arrival, card_lost, atm_support and 1 more; load the model and "
        "ask it under /v2, or set KUAJIE_INTENT_FOREIGN_LABELS=true."
    )
    assert (await view(client, "cards"))["role"] is None
    assert (await ask(client, "cards", "load")).status_code == 202
    await until(client, "cards", state="ready")
    tensor = {"name": "text", "shape": [1], "datatype": "BYTES", "data": ["我的卡丢了"]}
    asked = {"inputs": [tensor], "outputs": [{"name": "label"}, {"name": "intent_logits"}]}
    answer = (await client.post("/v2/models/intent/versions/cards/infer", json=asked)).json()
    assert [(each["shape"], each["data"][:5]) for each in answer["outputs"]] == [
        ([1], ["card_lost"]),
        ([1, 5], [0.0, 5.0, 0.0, 0.0, 0.0]),
    ]
    assert await said_by(client) == ("human.agent", KEYWORD)


async def test_a_model_with_fewer_labels_serves(client: httpx.AsyncClient, shelf: Path) -> None:
    write_package(shelf, "few", "greeting", labels=("greeting", "thanks_bye"))
    assert (await ask(client, "few", "promote")).status_code == 202
    await until(client, "few", state="serving")
    assert await said_by(client) == ("greeting", "few")


async def test_an_installation_may_serve_labels_of_its_own_and_takes_that_back(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings, shelf: Path
) -> None:
    write_package(shelf, "cards", "card_lost", labels=CARDS)
    headers = operator(internal_headers) | internal_headers(*SCOPES, "assist:write", subject="ops")
    async with app_client(create_app(make_settings(foreign_labels=True))) as client:
        client.headers.update(headers)
        await until_ready(client)
        assert (await ask(client, "cards", "promote")).status_code == 202
        await until(client, "cards", state="serving")
        assert await said_by(client) == ("card_lost", "cards")
        turn = await said(client, await begin(client), "我的卡丢了")
        assert (turn["message"]["heard"]["label"], turn["message"]["outcome"]) == ("card_lost", "unsure")
    async with app_client(create_app(make_settings())) as client:
        client.headers.update(headers)
        await until_ready(client)
        assert await said_by(client) == ("human.agent", KEYWORD)
        assert (await view(client, "cards"))["state"] == "refused"
