"""Customer service behind the gateway, with the token of a person: their own conversations, and nobody else's."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from services.gateway.app import create_app
from services.intent.app import create_app as create_intent_app
from services.intent.settings import IntentSettings
from services.kit.settings import SharedSettings
from tests.service.intent.conftest import listening

Token = Callable[..., dict[str, str]]
CONVERSATIONS = "/v1/assist/conversations"


@pytest.fixture
def intent_settings(make_database: Callable[[str], str], shared_settings: SharedSettings) -> IntentSettings:
    return IntentSettings(model="keyword", database_url=make_database("intent"), shared=shared_settings, roles={"api"})


@pytest.fixture
async def edge(intent_settings: IntentSettings, settings: Any, app_client: Any) -> AsyncIterator[httpx.AsyncClient]:
    """The gateway before the real intent service with its real stores."""
    async with (
        listening(create_intent_app(intent_settings)) as url,
        app_client(create_app(settings(intent_url=url))) as client,
    ):
        yield client


async def begun(edge: httpx.AsyncClient, headers: dict[str, str], user_id: str) -> str:
    answer = await edge.post(CONVERSATIONS, json={"user_id": user_id}, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["conversation_id"])


async def test_a_person_talks_with_the_bot_and_reads_what_was_said(edge: httpx.AsyncClient, token: Token) -> None:
    mine = token("ann")
    conversation = await begun(edge, mine, "ann")
    turn = await edge.post(f"{CONVERSATIONS}/{conversation}/messages", json={"text": "我要退款"}, headers=mine)
    assert (turn.status_code, turn.json()["reply"]["outcome"]) == (201, "form")
    said = (await edge.get(f"{CONVERSATIONS}/{conversation}/messages", headers=mine)).json()["data"]
    assert [each["author"] for each in said] == ["user", "bot"]
    asked = await edge.post(f"{CONVERSATIONS}/{conversation}/hand-off", json={}, headers=mine)
    assert (asked.status_code, asked.json()["hand_off"]["reason"]) == (200, "requested")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("GET", "/messages", None),
        ("POST", "/messages", {"text": "转人工"}),
        ("POST", "/hand-off", {}),
        ("POST", "/close", None),
    ],
)
async def test_of_another_persons_conversation_a_person_sees_and_changes_nothing(
    edge: httpx.AsyncClient, token: Token, method: str, path: str, body: Any
) -> None:
    conversation = await begun(edge, token("bob"), "bob")
    answer = await edge.request(method, f"{CONVERSATIONS}/{conversation}{path}", json=body, headers=token("ann"))
    assert (answer.status_code, answer.json()["code"]) == (404, "conversation_not_found")
    untouched = (await edge.get(f"{CONVERSATIONS}/{conversation}", headers=token("bob"))).json()
    assert (untouched["owner"], untouched["messages"]) == ("bot", 0)


async def test_the_same_name_at_another_platform_is_another_person(edge: httpx.AsyncClient, token: Token) -> None:
    conversation = await begun(edge, token("ann"), "ann")
    assert (await edge.get(f"{CONVERSATIONS}/{conversation}", headers=token("ann"))).status_code == 200
    elsewhere = token("ann", tenant_id="t2")
    assert (await edge.get(f"{CONVERSATIONS}/{conversation}", headers=elsewhere)).status_code == 404
    assert (await edge.get(CONVERSATIONS, headers=elsewhere)).json()["data"] == []


async def test_a_persons_list_is_their_own_whoever_it_is_asked_for(edge: httpx.AsyncClient, token: Token) -> None:
    mine, _ = await begun(edge, token("ann"), "ann"), await begun(edge, token("bob"), "bob")
    listed = (await edge.get(CONVERSATIONS, headers=token("ann"))).json()["data"]
    assert [each["conversation_id"] for each in listed] == [mine]
    assert (await edge.get(f"{CONVERSATIONS}?user_id=bob", headers=token("ann"))).status_code == 403


async def test_a_person_begins_and_erases_for_nobody_else(edge: httpx.AsyncClient, token: Token) -> None:
    conversation = await begun(edge, token("bob"), "bob")
    assert (await edge.post(CONVERSATIONS, json={"user_id": "bob"}, headers=token("ann"))).status_code == 403
    assert (await edge.delete("/v1/assist/people/bob", headers=token("ann"))).status_code == 403
    assert (await edge.get(f"{CONVERSATIONS}/{conversation}", headers=token("bob"))).status_code == 200
    assert (await edge.delete("/v1/assist/people/ann", headers=token("ann"))).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/assist/hand-offs", None),
        ("POST", "/v1/assist/hand-offs/hnd_1/claim", {"agent_id": "ann"}),
        ("POST", f"{CONVERSATIONS}/cnv_1/replies", {"agent_id": "ann", "text": "hi"}),
        ("POST", f"{CONVERSATIONS}/cnv_1/give-back", {"agent_id": "ann"}),
        ("GET", "/v1/assist/analytics", None),
        ("GET", "/v1/assist/knowledge", None),
        ("POST", "/v1/assist/knowledge/search", {"text": "退款"}),
    ],
)
async def test_the_desk_and_its_reports_are_for_no_person(
    edge: httpx.AsyncClient, token: Token, method: str, path: str, body: Any
) -> None:
    answer = await edge.request(method, path, json=body, headers=token("ann"))
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_a_person_names_no_agent_to_take_over(edge: httpx.AsyncClient, token: Token) -> None:
    conversation = await begun(edge, token("ann"), "ann")
    path = f"{CONVERSATIONS}/{conversation}/hand-off"
    assert (await edge.post(path, json={"agent_id": "ann"}, headers=token("ann"))).status_code == 403
    narrow = token("ann", scope="assist:read")
    assert (await edge.post(path, json={}, headers=narrow)).status_code == 403
    assert (await edge.get(f"{CONVERSATIONS}/{conversation}", headers=narrow)).json()["owner"] == "bot"


async def test_two_people_with_one_idempotency_key_get_answers_of_their_own(
    edge: httpx.AsyncClient, token: Token
) -> None:
    ids = []
    for name in ("ann", "bob"):
        headers = token(name) | {"Idempotency-Key": "same"}
        ids.append((await edge.post(CONVERSATIONS, json={"user_id": name}, headers=headers)).json()["user_id"])
    assert ids == ["ann", "bob"]
