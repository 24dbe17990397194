"""Features without a database: sums that add, and what is read from them."""

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.profile.events import Event
from services.profile.features import (
    DAY_S,
    Features,
    ItemFacts,
    ItemSums,
    PersonSums,
    describe,
    fold,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = (
    "content_viewed",
    "content_completed",
    "purchase_completed",
    "purchase_refunded",
    "offer_shown",
    "content_searched",
)


def event(name="purchase_completed", *, day=0.0, user="u1", item="i1", value=None, currency=None, kind="track"):
    at = START + timedelta(days=day)
    amount = None if value is None else Decimal(str(value))
    return Event("t", f"m{day}", user, None, kind, name, item, amount, currency, at, at, "{}")


def features(*events, day=0.0, domains=None, prices=None, offset=0):
    sums = fold(events, "CNY")
    items = [
        ItemFacts(held, (domains or {}).get(item), (prices or {}).get(item))
        for of_person in sums.items.values()
        for item, held in of_person.items()
    ]
    as_of = (START + timedelta(days=day)).timestamp()
    return describe(sums.people.get("u1", PersonSums()), items, as_of=as_of, utc_offset_h=offset)


def assert_close(left, right):
    for name in left._fields:
        assert getattr(left, name) == pytest.approx(getattr(right, name), rel=1e-9), name


some_events = st.lists(
    st.builds(
        event,
        st.sampled_from(NAMES),
        day=st.floats(-3000, 300),
        item=st.sampled_from(["i1", "i2"]),
        value=st.sampled_from([None, 1, "19.90", 1000]),
        currency=st.sampled_from([None, "CNY", "USD"]),
    ),
    min_size=1,
    max_size=30,
)


@settings(max_examples=100)
@given(some_events, st.randoms(use_true_random=False), st.integers(0, 30))
def test_sums_do_not_depend_on_order_or_grouping(events, rng, cut):
    shuffled = rng.sample(events, len(events))
    whole, left, right = (fold(part, "CNY") for part in (events, shuffled[:cut], shuffled[cut:]))
    assert_close(
        whole.people.get("u1", PersonSums()),
        left.people.get("u1", PersonSums()) + right.people.get("u1", PersonSums()),
    )
    for item in ("i1", "i2"):
        expected, one, other = (part.items.get("u1", {}).get(item, ItemSums()) for part in (whole, left, right))
        added = one + other
        scale = max(1.0, abs(expected.interest), abs(expected.spend))
        assert added.purchases == expected.purchases
        assert added.interest == pytest.approx(expected.interest, rel=1e-9, abs=1e-6 * scale)
        assert added.spend == pytest.approx(expected.spend, rel=1e-9, abs=1e-6 * scale)


def test_decay_counts_an_event_of_thirty_days_ago_as_one_over_e():
    found = features(event(day=0), event(day=30), day=30)
    assert found.events_30d == pytest.approx(1 + math.exp(-1))
    assert found.events == 2


def test_at_a_steady_pace_events_30d_is_the_number_of_events_in_thirty_days():
    daily = [event(day=float(day)) for day in range(400)]
    assert features(*daily, day=399).events_30d == pytest.approx(30, abs=0.6)


def test_history_of_long_ago_and_of_far_ahead_is_held_without_overflow():
    found = features(event(day=-13000.0, value=5), event(day=10000.0, value=7), day=10000)
    assert found.spend == pytest.approx(7.0)
    assert found.spend_total == 12.0
    assert math.isfinite(features(event(day=-13000.0), day=10000).events_30d)


def test_reading_before_the_last_event_reads_at_it():
    found = features(event(day=5), day=0)
    assert (found.recency_days, found.events_30d) == (0.0, 1.0)


def test_impressions_are_no_activity_and_pages_are():
    assert features(event("offer_shown", item=None)).events == 0
    assert features(event(None, item=None, kind="page")).events == 1
    assert features(event(None, item=None, kind="identify")).events == 0


def test_money_in_another_currency_is_no_spending_but_a_purchase():
    found = features(event(value=10, currency="USD"), event(day=1, value=5), day=1)
    assert (found.purchases, found.spend_total) == (2, 5.0)


def test_a_refund_of_one_item_does_not_eat_into_another():
    refunded = [event(item="i1", value=100), event("purchase_refunded", day=300, item="i1", value=100)]
    found = features(*refunded, event(day=300, item="i2", value=40), day=300)
    assert found.spend == pytest.approx(40.0)
    assert (found.spend_total, found.refund_rate) == (40.0, 0.5)


def test_completion_is_the_share_of_what_was_acquired_and_kept():
    bought = [event(item=f"i{n}") for n in range(4)]
    done = [event("content_completed", day=1, item="i0"), event("content_completed", day=1, item="free")]
    given_back = event("purchase_refunded", day=1, item="i3")
    assert features(*bought, *done, given_back).completion == pytest.approx(2 / 4)
    assert features(event("content_viewed")).completion is None


@pytest.mark.parametrize(
    ("paid", "listed", "expected"),
    [(80, 100.0, 0.2), (100, 100.0, 0.0), (120, 100.0, 0.0), (80, None, None), (None, 100.0, None)],
)
def test_price_sensitivity_is_what_was_saved_against_the_list(paid, listed, expected):
    found = features(event(value=paid), prices={"i1": listed}).price_sensitivity
    assert found == (expected if expected is None else pytest.approx(expected))


def test_interests_are_shares_by_domain_and_fade():
    domains = {"i1": "finance", "i2": "tech", "i3": None}
    early = event("purchase_completed", item="i1")
    late = event("content_viewed", day=180, item="i2")
    unknown = event("purchase_completed", day=180, item="i3")
    found = features(early, late, unknown, day=180, domains=domains).interests
    assert list(found) == ["tech", "finance"]
    assert found["finance"] == pytest.approx(4 * math.exp(-2) / (4 * math.exp(-2) + 1))
    assert sum(found.values()) == pytest.approx(1.0)


def test_a_refunded_item_is_no_interest():
    found = features(event(), event("purchase_refunded", day=1), domains={"i1": "finance"})
    assert found.interests == {}
    assert found.domain_events == {"finance": 2}


@pytest.mark.parametrize(
    ("offset", "peak", "night"), [(0, 13, 0.0), (8, 21, 0.0), (9, 22, 1.0), (-5, 8, 0.0), (-12, 1, 1.0)]
)
def test_hours_are_local(offset, peak, night):
    found = features(event(day=13.5 / 24), offset=offset)
    assert (found.peak_hour, found.night_share) == (peak, night)


def test_earlier_is_what_a_lagging_clock_would_have_seen():
    history = [event(day=0, value=10), event(day=20, value=5)]
    now, then = features(*history, day=100), features(*history, day=40)
    assert_close_features(now.earlier(60 * DAY_S), then)
    assert now.earlier(500 * DAY_S).recency_days == 0.0
    assert now.earlier(-5) == now


def assert_close_features(left: Features, right: Features):
    for name in ("recency_days", "events_30d", "spend"):
        assert getattr(left, name) == pytest.approx(getattr(right, name)), name


def test_nobody_has_no_features_but_zeros():
    found = features()
    assert (found.events, found.recency_days, found.spend, found.night_share) == (0, 0.0, 0.0, None)
