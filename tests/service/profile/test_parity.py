"""Features are the same one by one, in bulk, in any order, and whether items come before or after their events."""

import random

import orjson
import pytest

from services.kit.stream import Envelope
from services.profile.catalogue import copy_items

NAMES = (
    "content_viewed", "content_completed", "content_rated", "content_shared", "purchase_completed", "purchase_refunded",
    "decision_shown", "content_searched",
)  # fmt: skip
ITEMS = {"i1": ("finance", "100"), "i2": ("tech", "50"), "i3": ("tech", "20"), "i4": ("culture", None)}


def history(seed=7, events=160):
    rng = random.Random(seed)
    return [
        {
            "message_id": f"m{n}",
            "user_id": f"u{rng.randrange(4)}",
            "item_id": rng.choice(list(ITEMS)),
            "type": rng.choices(NAMES, weights=[3, 2, 1, 1, 6, 1, 1, 1])[0],
            "value": rng.choice([None, "10", "49.90"]),
            "currency": rng.choice([None, "CNY", "USD"]),
            "timestamp": 1741600000 + rng.randrange(360 * 86400),
        }
        for n in range(events)
    ]


def as_message(row):
    properties = {name: row[name] for name in ("item_id", "value", "currency") if row[name] is not None}
    return {
        "type": "track",
        "message_id": row["message_id"],
        "user_id": row["user_id"],
        "event": row["type"],
        "timestamp": row["timestamp"],
        "properties": properties,
    }


async def tell_items(profile, tenant="default", domains=None):
    """What recommend publishes, as the consumer gets it."""
    now = profile.clock()
    facts = [
        Envelope(
            type="item.upserted",
            tenant_id=tenant,
            subject=item,
            occurred_at=now,
            received_at=now,
            data={
                "item_id": item,
                "categories": [(domains or {}).get(item, domain), "other"],
                "price": {"amount": price, "currency": "CNY"} if price else None,
            },
        )
        for item, (domain, price) in ITEMS.items()
    ]
    async with profile.app.state.resources.db.begin() as connection:
        await copy_items(connection, facts)


async def exported(profile, tenant_headers=None):
    answer = await profile.get("/v1/features/export", headers=tenant_headers or {})
    return {row["user_id"]: row for row in map(orjson.loads, answer.text.splitlines())}


def assert_same(left, right):
    assert left.keys() == right.keys()
    for user_id, row in left.items():
        for name, value in row.items():
            other = right[user_id][name]
            if isinstance(value, dict):
                assert value == pytest.approx(other, rel=1e-9), (user_id, name)
            else:
                assert value == (pytest.approx(other, rel=1e-9) if isinstance(value, float) else other), (user_id, name)


async def test_one_by_one_shuffled_and_in_bulk_give_the_same_features(profile, as_tenant):
    rows = history()
    for tenant in ("single", "shuffled", "bulk"):
        await tell_items(profile, tenant)
    for row in rows:
        await profile.post("/v1/batch", {"batch": [as_message(row)]}, headers=as_tenant("single"))
    shuffled = random.Random(1).sample(rows, len(rows))
    for start in range(0, len(shuffled), 23):
        batch = [as_message(row) for row in shuffled[start : start + 23]]
        await profile.post("/v1/batch", {"batch": batch}, headers=as_tenant("shuffled"))
    await profile.load(*rows, headers=as_tenant("bulk"))
    single, mixed, bulk = [await exported(profile, as_tenant(name)) for name in ("single", "shuffled", "bulk")]
    assert len(single) == 4
    assert all(row["refunds"] and row["spend"] and row["price_sensitivity"] for row in single.values())
    assert_same(single, mixed)
    assert_same(single, bulk)


async def test_events_before_their_items_end_in_the_same_features(profile, as_tenant):
    rows = history(seed=3)
    await profile.load(*rows, headers=as_tenant("late"))
    before = await exported(profile, as_tenant("late"))
    assert all(row["interests"] == {} and row["price_sensitivity"] is None for row in before.values())
    await tell_items(profile, "late")
    await tell_items(profile, "early")
    await profile.load(*rows, headers=as_tenant("early"))
    late, early = await exported(profile, as_tenant("late")), await exported(profile, as_tenant("early"))
    assert all(sum(row["interests"].values()) == pytest.approx(1) for row in late.values())
    assert_same(early, late)


async def test_an_item_that_changes_its_domain_takes_its_interest_along(profile, track):
    await tell_items(profile)
    await profile.send(track("m1", item_id="i1", value="80", currency="CNY"))
    first = await profile.snapshot("u1")
    assert first["interests"] == {"finance": 1.0}
    assert first["features"]["price_sensitivity"] == pytest.approx(0.2)
    await tell_items(profile, domains={"i1": "culture"})
    assert (await profile.snapshot("u1"))["interests"] == {"culture": 1.0}


async def test_a_refund_takes_back_interest_and_spending(profile, track):
    await tell_items(profile)
    await profile.send(
        track("m1", item_id="i1", value="100", timestamp="2026-01-01T00:00:00Z"),
        track("m2", item_id="i2", value="50", timestamp="2026-03-01T00:00:00Z"),
        track("m3", item_id="i1", event="purchase_refunded", value="100", timestamp="2026-03-02T00:00:00Z"),
    )
    snapshot = await profile.snapshot("u1")
    assert snapshot["interests"] == {"tech": 1.0}
    assert snapshot["features"]["spend_total"] == 50.0
