"""Lists and their cursors: each reads on from its own, and from no other list's."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from services.intent.app import create_app
from tests.service.intent.conftest import Headers, MakeSettings, OpenClient, until_ready
from tests.service.intent.monitor.receiving import KEYS
from tests.service.intent.talking import begin, said

SCOPES = ("assist:write", "assist:read", "assist:agent", "assist:report", "knowledge:write", "knowledge:read")
SCOPES += ("monitor:write", "monitor:read", "monitor:alerts", "monitor:webhooks", "models:read")
EMPTY = ("assist/hand-offs", "assist/corrections", "monitor/alerts", "monitor/deliveries", "models")


@pytest.fixture
async def client(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings
) -> AsyncIterator[httpx.AsyncClient]:
    async with app_client(create_app(make_settings(sealing_keys=KEYS))) as client:
        client.headers.update(internal_headers(*SCOPES))
        await until_ready(client)
        yield client


async def two_rows(client: httpx.AsyncClient) -> list[str]:
    """The paths of lists that have two rows each."""
    now = datetime.now(UTC)
    for number in range(2):
        conversation = await begin(client, f"u{number}")
        await said(client, conversation, "你好")
        document = {"document_id": f"d{number}", "title": "t", "format": "markdown", "content": f"# T\n{number}"}
        watched = {"document_id": f"d{number}", "text": f"text {number}", "published_at": now.isoformat()}
        ends_at = (now + timedelta(days=1)).isoformat()
        for path, body in (
            ("assist/knowledge", document),
            ("monitor/documents", {"documents": [watched]}),
            ("monitor/silences", {"topic": "claims", "ends_at": ends_at, "reason": "known"}),
            ("monitor/webhooks", {"url": f"https://hooks.example.com/{number}"}),
        ):
            answer = await client.post(f"/v1/{path}", json=body)
            assert answer.is_success, answer.text
    messages = f"assist/conversations/{conversation}/messages"
    return [
        messages,
        "assist/conversations",
        "assist/knowledge",
        "monitor/documents",
        "monitor/silences",
        "monitor/webhooks",
    ]


async def test_a_list_reads_on_from_its_own_cursor_alone(client: httpx.AsyncClient) -> None:
    filled = await two_rows(client)
    other = f"assist/conversations/{await begin(client)}/messages"
    for mine in filled:
        first = (await client.get(f"/v1/{mine}", params={"limit": 1})).json()
        cursor = {"cursor": first["next_cursor"]}
        rest = await client.get(f"/v1/{mine}", params=cursor)
        assert (rest.status_code, first["data"][0] in rest.json()["data"]) == (200, False), mine
        for path in {*filled, *EMPTY, other} - {mine}:
            refused = await client.get(f"/v1/{path}", params=cursor)
            assert (refused.status_code, refused.json()["param"]) == (400, "cursor"), (mine, path)
