"""The catalogue: what may be written, what is read back, what is told to the stream."""

import json
from urllib.parse import quote

import orjson
import pytest

from services.kit.stream import StreamKeys
from tests.service.recommend.conftest import eventually, ids, item, put_items


async def test_an_item_is_read_back_as_it_was_written(client):
    written = item(
        "a",
        "finance",
        "insurance",
        title={"zh-CN": "家庭保险", "en": "Insurance"},
        price={"amount": "99.50", "currency": "CNY"},
        language="zh-CN",
        description="long text",
        published_at="2026-01-02T03:04:05Z",
    )
    assert await put_items(client, written) == {"upserted": 1, "changed": 1}
    stored = (await client.get("/v1/items/a")).json()
    assert stored["title"] == {"zh-CN": "家庭保险", "en": "Insurance"}
    assert stored["categories"] == ["finance", "insurance"]
    assert stored["price"] == {"amount": "99.50", "currency": "CNY"}
    assert stored["description"] == {"und": "long text"}
    assert stored["published_at"] == "2026-01-02T03:04:05Z"
    assert stored["status"] == "active"


async def test_the_id_of_an_item_may_be_its_address(client):
    address = "https://courses.example/finance/7?edition=2#top"
    await put_items(client, item(address, "finance"), item("b", "finance"))
    path = f"/v1/items/{quote(address, safe='')}"
    assert (await client.get(path)).json()["item_id"] == address
    assert [each["item_id"] for each in (await client.get(f"{path}/similar")).json()["data"]] == ["b"]


async def test_an_unknown_item_is_not_found(client):
    answer = await client.get("/v1/items/nowhere")
    assert (answer.status_code, answer.json()["code"], answer.json()["param"]) == (404, "not_found", "item_id")


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"title": ""}, "items.3.title"),
        ({"title": {"en": 5}}, "items.3.title"),
        ({"categories": []}, "items.3.categories"),
        ({"categories": ["a|b"]}, "items.3.categories.0"),
        ({"price": {"amount": "twelve", "currency": "CNY"}}, "items.3.price.amount"),
        ({"price": {"amount": "-1", "currency": "CNY"}}, "items.3.price"),
        ({"price": {"amount": "12", "currency": "yuan"}}, "items.3.price.currency"),
        ({"published_at": "2026-01-02T03:04:05"}, "items.3.published_at"),
        ({"status": "gone"}, "items.3.status"),
        ({"colour": "red"}, "items.3.colour"),
        ({"item_id": "x" * 129}, "items.3.item_id"),
    ],
)
async def test_an_item_at_fault_is_named_and_nothing_is_written(client, change, param):
    batch = [item(str(n), "finance") for n in range(5)]
    batch[3] |= change
    answer = await client.post("/v1/items", json={"items": batch})
    assert (answer.status_code, answer.json()["code"], answer.json()["param"]) == (422, "invalid_request", param)
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await client.get("/v1/items")).json()["data"] == []


async def test_more_than_a_thousand_items_are_refused(client):
    answer = await client.post("/v1/items", json={"items": [item(str(n), "finance") for n in range(1001)]})
    assert (answer.status_code, answer.json()["param"]) == (422, "items")


async def test_what_did_not_change_is_neither_counted_nor_told(client, redis):
    await put_items(client, item("a", "finance"), item("b", "tech"))
    assert await put_items(client, item("a", "finance"), item("b", "health")) == {"upserted": 2, "changed": 1}

    async def told() -> bool:
        return await redis.xlen(StreamKeys("recommend").stream) == 3

    await eventually(told)
    facts = [orjson.loads(fields[b"e"]) for _, fields in await redis.xrange(StreamKeys("recommend").stream)]
    assert [fact["type"] for fact in facts] == ["item.upserted"] * 3
    assert (facts[-1]["subject"], facts[-1]["data"]["categories"]) == ("b", ["health"])
    assert facts[-1]["tenant_id"] == "default"


async def test_of_two_items_with_one_id_the_last_counts(client):
    assert await put_items(client, item("a", "finance"), item("a", "tech")) == {"upserted": 1, "changed": 1}
    assert (await client.get("/v1/items/a")).json()["categories"] == ["tech"]


async def test_pages_hold_every_item_once(client):
    await put_items(client, *[item(f"{n:02}", "tech" if n % 2 else "finance") for n in range(7)])
    seen, cursor = [], None
    while True:
        params = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/v1/items", params=params)).json()
        seen += ids(page, "data")
        if not page["has_more"]:
            break
        cursor = page["next_cursor"]
    assert seen == [f"{n:02}" for n in range(7)]
    assert page["next_cursor"] is None
    assert ids((await client.get("/v1/items", params={"category": "tech"})).json(), "data") == ["01", "03", "05"]


async def test_a_cursor_that_is_not_ours_is_refused(client):
    answer = await client.get("/v1/items", params={"cursor": "nonsense"})
    assert (answer.status_code, answer.json()["param"]) == (400, "cursor")


async def test_a_tenant_sees_no_item_of_another(client, internal_headers):
    await put_items(client, item("a", "finance"))
    other = internal_headers("items:read", "recommend:read", "recommend:export", tenant="other")
    assert (await client.get("/v1/items/a", headers=other)).status_code == 404
    assert (await client.get("/v1/items", headers=other)).json()["data"] == []
    assert (await client.get("/v1/latest", headers=other)).json()["data"] == []
    assert (await client.get("/v1/items/export", headers=other)).content == b""
    answer = await client.post("/v1/content", headers=other, json={"user_id": "u1"})
    assert answer.json()["items"] == []


async def test_a_scope_that_is_missing_is_named(client, internal_headers):
    answer = await client.post("/v1/items", headers=internal_headers("items:read"), json={"items": [item("a", "b")]})
    assert (answer.status_code, answer.json()["scope"]) == (403, "items:write")


async def import_lines(client, *lines, **params):
    body = b"\n".join(each if isinstance(each, bytes) else orjson.dumps(each) for each in lines)
    return await client.post("/v1/items/import", content=body, params=params)


async def test_an_import_keeps_the_good_rows_and_names_the_bad_ones(client):
    answer = await import_lines(
        client,
        {"row": 2, "item_id": "a", "title": "A", "categories": "finance|tax", "price": "9.90", "currency": "CNY"},
        {"row": 3, "item_id": "b", "title": "", "categories": "finance"},
        {"row": 4, "item_id": "c", "title": "C", "categories": "tech", "price": "free", "currency": "CNY"},
        {"row": 5, "item_id": "d", "title": "D", "categories": "tech", "price": "3"},
        {"row": 6, "item_id": "a", "title": "A again", "categories": "finance|tax"},
        b"{broken",
        {"row": 8, "item_id": "e", "title": "E", "categories": "tech", "published_at": "1506746761"},
    )
    report = answer.json()
    assert {key: report[key] for key in ("read", "kept", "duplicates", "rejected")} == {
        "read": 7,
        "kept": 2,
        "duplicates": 1,
        "rejected": 4,
    }
    assert report["reasons"] == {"missing_title": 1, "invalid_price": 1, "missing_currency": 1, "invalid_json": 1}
    assert [(bad["row"], bad["reason"], bad["param"]) for bad in report["rows"]] == [
        (3, "missing_title", "title"),
        (4, "invalid_price", "price"),
        (5, "missing_currency", "currency"),
        (6, "invalid_json", None),
    ]
    assert (await client.get("/v1/items/a")).json()["title"] == {"und": "A again"}
    assert (await client.get("/v1/items/e")).json()["published_at"] == "2017-09-30T04:46:01Z"


async def test_an_import_that_is_tried_first_writes_nothing(client):
    answer = await import_lines(client, {"item_id": "a", "title": "A", "categories": "x"}, dry_run=True)
    assert answer.json()["kept"] == 1
    assert (await client.get("/v1/items/a")).status_code == 404
    assert (await client.get("/v1/latest")).json()["data"] == []


async def test_importing_again_changes_nothing(client):
    row = {"item_id": "a", "title": "A", "categories": "x|y"}
    assert (await import_lines(client, row)).json()["kept"] == 1
    again = (await import_lines(client, row)).json()
    assert (again["kept"], again["duplicates"], again["rejected"]) == (0, 1, 0)


async def test_an_exported_item_can_be_imported_again(client):
    await put_items(client, item("a", "finance", price={"amount": "9.90", "currency": "CNY"}), item("b", "tech"))
    lines = (await client.get("/v1/items/export")).text.splitlines()
    assert [json.loads(line)["item_id"] for line in lines] == ["a", "b"]
    report = (await import_lines(client, *[json.loads(line) for line in lines])).json()
    assert (report["kept"], report["duplicates"], report["rejected"]) == (0, 2, 0)


async def test_a_body_above_the_limit_is_refused(client):
    answer = await client.post("/v1/items", content=b" " * (8 * 1024 * 1024 + 1))
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
