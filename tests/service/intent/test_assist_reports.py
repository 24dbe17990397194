"""What customer service teaches: analytics, unanswered questions, corrections, retention."""

import csv
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from kuajie.corrections import export
from services.intent.app import create_app
from services.intent.assist.upkeep import tidy
from services.intent.settings import IntentSettings
from services.kit.database import Database
from tests.service.intent.conftest import Headers, OpenClient, difference, until_ready
from tests.service.intent.talking import act, begin, code_of, said, say
from training.intent.rows import read_rows

SCOPES = ("assist:write", "assist:read", "assist:agent", "assist:report")


@pytest.fixture
def settings(make_settings: Callable[..., IntentSettings]) -> IntentSettings:
    return make_settings(roles={"api"})


@pytest.fixture
async def client(
    app_client: OpenClient, internal_headers: Headers, settings: IntentSettings
) -> AsyncIterator[httpx.AsyncClient]:
    async with app_client(create_app(settings)) as client:
        client.headers.update(internal_headers(*SCOPES))
        await until_ready(client)
        yield client


async def test_containment_reasons_labels_and_unanswered_questions_are_counted(client: Any) -> None:
    counter = "kuajie_assist_conversations_total"
    async with (
        difference(client, counter, step="begun") as begun,
        difference(client, counter, step="handed_off") as handed,
    ):
        await said(client, await begin(client), "你好")
        await said(client, await begin(client), "转人工")
        for text in ("今天北京天气怎么样", "今天上海天气怎么样，回我 13812345678"):
            await said(client, await begin(client), text)
        await begin(client)
    assert (begun, handed) == ([4.0], [1.0])
    found = (await client.get("/v1/assist/analytics")).json()
    assert found["conversations"] == 4
    assert {name: found["contained"][name] for name in ("count", "of", "value")} == {"count": 3, "of": 4, "value": 0.75}
    assert 0.3 < found["contained"]["low"] < 0.75 < found["contained"]["high"] < 1
    assert found["hand_offs"] == {"requested": 1}
    assert found["turns"] == {"unsure": 2, "hand_off": 1, "template": 1}
    assert found["labels"]["greeting"] == 1
    assert (found["not_understood"]["count"], found["not_understood"]["of"]) == (2, 3)
    assert (found["knowledge_hits"]["of"], found["knowledge_hits"]["value"]) == (0, None)
    [cluster] = found["unanswered"]
    assert cluster["count"] == 2
    assert "13812345678" not in str(found)
    assert any("[phone]" in text for text in cluster["examples"])


async def test_a_hand_off_before_the_first_message_counts_with_that_message(client: Any) -> None:
    counter = "kuajie_assist_conversations_total"
    conversation, silent = await begin(client), await begin(client)
    async with difference(client, counter, step="handed_off") as early:
        await act(client, f"conversations/{conversation}/hand-off")
        await act(client, f"conversations/{silent}/hand-off")
    async with (
        difference(client, counter, step="begun") as begun,
        difference(client, counter, step="handed_off") as handed,
    ):
        await said(client, conversation, "你好")
        await said(client, conversation, "在吗")
    assert (early, begun, handed) == ([0.0], [1.0], [1.0])
    contained = (await client.get("/v1/assist/analytics")).json()["contained"]
    assert (contained["count"], contained["of"]) == (0, 1)


async def test_only_the_stretch_that_is_asked_for_counts(client: Any) -> None:
    await said(client, await begin(client), "你好")
    later = {"since": "2030-01-01T00:00:00Z", "until": "2030-01-02T00:00:00Z"}
    assert (await client.get("/v1/assist/analytics", params=later)).json()["conversations"] == 0
    turned = await client.get("/v1/assist/analytics", params={"since": later["until"], "until": later["since"]})
    assert (turned.status_code, turned.json()["param"]) == (422, "since")


async def test_a_correction_becomes_a_masked_row_of_training_data(client: Any, tmp_path: Path) -> None:
    conversation = await begin(client)
    await said(client, conversation, "=把我13812345678的号退了 a@b.com")
    path = f"/v1/assist/conversations/{conversation}/corrections"
    put = {"number": 1, "label": "account.help", "corrected_by": "agent-7"}
    assert (await client.post(path, json=put)).json()["text"] == "=把我[phone]的号退了 [email]"
    made = (await client.post(path, json={**put, "label": "privacy.request"})).json()
    assert (made["label"], made["lang"], made["corrected_by"]) == ("privacy.request", "zh", "agent-7")
    page = (await client.get("/v1/assist/corrections")).json()
    assert [each["label"] for each in page["data"]] == ["privacy.request"]

    class Stack:
        def get(self, _: str) -> dict[str, Any]:
            found: dict[str, Any] = page
            return found

    assert export(tmp_path / "c.csv", Stack()) == 1  # type: ignore[arg-type]
    assert (
        (tmp_path / "c.csv").read_bytes().startswith(b"\xef\xbb\xbftext,label,lang\n")
    )  # or Excel shows Chinese as GBK
    assert list(csv.DictReader((tmp_path / "c.csv").read_text(encoding="utf-8-sig").splitlines())) == [
        {"text": "'=把我[phone]的号退了 [email]", "label": "privacy.request", "lang": "zh"}
    ]
    [row] = read_rows(tmp_path / "c.csv")
    assert (row.text, row.labels) == ("=把我[phone]的号退了 [email]", {"intent": "privacy.request"})


async def test_only_what_a_person_wrote_can_be_put_right(client: Any) -> None:
    conversation = await begin(client)
    await said(client, conversation, "你好")
    path = f"/v1/assist/conversations/{conversation}/corrections"
    put = {"number": 2, "label": "greeting", "corrected_by": "a"}
    assert code_of(await client.post(path, json=put)) == (409, "not_correctable")
    assert code_of(await client.post(path, json={**put, "number": 9})) == (404, "message_not_found")
    wrong = await client.post(path, json={**put, "label": "greetings"})
    assert (wrong.status_code, wrong.json()["param"]) == (422, "label")


async def test_a_person_that_is_forgotten_is_forgotten_by_the_training_data(client: Any) -> None:
    conversation = await begin(client)
    await said(client, conversation, "你好")
    await act(client, f"conversations/{conversation}/corrections", number=1, label="greeting", corrected_by="a")
    assert (await client.delete("/v1/assist/people/u1")).json()["corrections"] == 1
    assert (await client.get("/v1/assist/corrections")).json()["data"] == []


async def test_what_is_left_alone_expires_and_what_is_old_is_deleted_but_for_what_waits(
    client: Any, settings: IntentSettings
) -> None:
    idle, waiting = await begin(client), await begin(client)
    await said(client, idle, "你好")
    await said(client, waiting, "转人工")
    db = Database.open(settings.database_url.get_secret_value())
    await tidy(db, settings, datetime.now(UTC) + timedelta(hours=1))
    assert code_of(await say(client, idle, "你好")) == (410, "conversation_expired")
    assert (await said(client, idle, "转人工"))["conversation"]["owner"] == "agent"
    await act(client, f"conversations/{idle}/close")
    await tidy(db, settings, datetime.now(UTC) + timedelta(days=181))
    await db.close()
    assert (await client.get(f"/v1/assist/conversations/{idle}")).status_code == 404
    assert (await client.get(f"/v1/assist/conversations/{waiting}")).json()["owner"] == "agent"
