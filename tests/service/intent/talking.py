"""How tests talk to customer service."""

from typing import Any

import httpx

SCOPES = ("assist:write", "assist:read", "assist:agent")


async def begin(client: httpx.AsyncClient, user_id: str = "u1", **body: Any) -> str:
    answer = await client.post("/v1/assist/conversations", json={"user_id": user_id, **body})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["conversation_id"])


async def say(client: httpx.AsyncClient, conversation: str, text: str, **headers: str) -> httpx.Response:
    path = f"/v1/assist/conversations/{conversation}/messages"
    return await client.post(path, json={"text": text}, headers=headers)


async def said(client: httpx.AsyncClient, conversation: str, text: str) -> dict[str, Any]:
    answer = await say(client, conversation, text)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def act(client: httpx.AsyncClient, path: str, **body: Any) -> dict[str, Any]:
    answer = await client.post(f"/v1/assist/{path}", json=body)
    assert answer.status_code in {200, 201}, answer.text
    found: dict[str, Any] = answer.json()
    return found


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]
