"""POST /v1/events/import: the good rows kept, the bad ones counted by reason and shown by row."""

import asyncio
import json

import pytest

GOOD = {"user_id": "u1", "item_id": "i1", "timestamp": "2026-03-01T08:00:00Z"}


async def test_the_report_counts_every_row_once(profile):
    report = await profile.load(
        {**GOOD, "row": 2},
        {**GOOD, "row": 3},
        {**GOOD, "row": 4, "user_id": ""},
        {**GOOD, "row": 5, "item_id": None},
        {**GOOD, "row": 6, "timestamp": "32nd of May"},
        {**GOOD, "row": 7, "timestamp": "2036-01-01"},
        {**GOOD, "row": 8, "timestamp": ""},
        {**GOOD, "row": 9, "type": "slept"},
        {**GOOD, "row": 10, "value": "cheap"},
        {**GOOD, "row": 11, "currency": "yuan"},
        {**GOOD, "row": 12, "properties": "{"},
        b"{not json",
        b"[]",
        b"",
        {**GOOD, "row": 15, "timestamp": 1772352000000, "user_id": "u2"},
        {**GOOD, "row": 16, "timestamp": "1772352000", "user_id": 3, "value": "12.50", "currency": "CNY"},
        {**GOOD, "row": 17, "user_id": "u" * 129},
        {**GOOD, "row": 18, "user_id": "u\x07"},
    )
    assert (report["read"], report["kept"], report["duplicates"], report["rejected"]) == (17, 3, 1, 13)
    assert report["reasons"] == {
        "invalid_currency": 1,
        "invalid_json": 1,
        "invalid_properties": 1,
        "invalid_row": 1,
        "invalid_timestamp": 2,
        "invalid_user_id": 2,
        "invalid_value": 1,
        "missing_item_id": 1,
        "missing_timestamp": 1,
        "missing_user_id": 1,
        "unknown_type": 1,
    }
    assert [row["row"] for row in report["rows"]] == [4, 5, 6, 7, 8, 9, 10, 11, 12, 12, 13, 17, 18]
    assert report["rows"][2] == {
        "row": 6,
        "reason": "invalid_timestamp",
        "param": "timestamp",
        "detail": "The timestamp is not ISO 8601.",
    }


async def test_importing_again_adds_nothing(profile):
    rows = [{**GOOD, "user_id": f"u{n}"} for n in range(5)]
    first, again = await profile.load(*rows), await profile.load(*rows)
    assert (first["kept"], first["duplicates"]) == (5, 0)
    assert (again["kept"], again["duplicates"]) == (0, 5)
    assert (await profile.snapshot("u1"))["features"]["purchases"] == 1


async def test_a_dry_run_reports_the_same_and_keeps_nothing(profile):
    rows = [GOOD, {**GOOD, "user_id": "u2"}, {**GOOD, "user_id": None}]
    dry = await profile.load(*rows, dry_run=True)
    assert (await profile.snapshot("u1"))["known"] is False
    assert (await profile.get("/v1/dead-letters")).json()["data"] == []
    assert await profile.load(*rows) == dry


async def test_many_rows_take_the_way_of_copy_and_count_alike(profile):
    rows = [
        {**GOOD, "user_id": f"u{n % 300}", "item_id": f"i{n % 11}", "timestamp": 1772352000 + n} for n in range(5000)
    ]
    report = await profile.load(*rows, {**GOOD, "user_id": ""})
    assert (report["kept"], report["rejected"]) == (5000, 1)
    again = await profile.load(*rows[:3000], {**GOOD, "user_id": "new"})
    assert (again["kept"], again["duplicates"]) == (1, 3000)
    features = [(await profile.snapshot(f"u{n}"))["features"]["purchases"] for n in (0, 7, 299)]
    assert features == [17, 17, 16]


async def test_imports_and_batches_at_the_same_time_wait_for_each_other_in_one_order(profile, track):
    rows = [{**GOOD, "user_id": f"u{n % 50}", "message_id": f"m{n}"} for n in range(3000)]
    batches = [[track(f"b{k}-{n}", f"u{n}") for n in range(50)] for k in range(6)]
    await asyncio.gather(
        profile.load(*rows), profile.load(*reversed(rows)), *(profile.send(*reversed(batch)) for batch in batches)
    )
    totals = [(await profile.snapshot(f"u{n}"))["features"]["purchases"] for n in range(50)]
    assert totals == [66] * 50


async def test_a_persons_credential_may_not_import(profile, as_person):
    answer = await profile.http.post("/v1/events/import", content=b"{}", headers=as_person("u1"))
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_an_empty_file_is_a_report_of_zeros(profile):
    report = await profile.load(b"\n\n")
    assert report == {"read": 0, "kept": 0, "duplicates": 0, "rejected": 0, "reasons": {}, "rows": []}


async def test_a_byte_order_mark_is_no_part_of_the_first_row(profile):
    report = await profile.load(b"\xef\xbb\xbf" + json.dumps(GOOD).encode())
    assert (report["kept"], report["rejected"]) == (1, 0)


async def test_an_oversized_body_is_refused(profile):
    answer = await profile.http.post(
        "/v1/events/import", content=b"", headers={**profile.headers, "Content-Length": str(65 * 1024 * 1024)}
    )
    assert answer.status_code == 413


async def test_a_refused_row_is_a_dead_letter_once_whatever_its_row(profile):
    await profile.load({**GOOD, "row": 2, "user_id": ""})
    await profile.load({**GOOD, "row": 7, "user_id": ""})
    letters = (await profile.get("/v1/dead-letters")).json()["data"]
    assert [(letter["source"], letter["code"], letter["param"]) for letter in letters] == [
        ("import", "missing_user_id", "user_id")
    ]


@pytest.mark.parametrize("many", [1, 2500])
async def test_what_an_import_keeps_is_published_in_order_of_time(profile, many):
    rows = [{**GOOD, "user_id": f"u{n}", "timestamp": 1772352000 - n, "value": 3} for n in range(many)]
    await profile.load(*rows)
    from sqlalchemy import text

    async with profile.app.state.resources.db.connect() as connection:
        found = (
            (await connection.execute(text("SELECT type, subject, data FROM outbox ORDER BY position")))
            .mappings()
            .all()
        )
    assert [row["subject"] for row in found] == [f"u{n}" for n in reversed(range(many))]
    assert found[0]["type"] == "event.recorded"
