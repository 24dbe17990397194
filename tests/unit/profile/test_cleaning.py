"""Rows made into events."""

from datetime import UTC, datetime
from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.profile.cleaning import RowRefused, clean_lines, clean_row

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
ROW = {"user_id": "u1", "item_id": "i1", "timestamp": "2026-03-01T08:00:00Z"}


def clean(**changes):
    return clean_row({**ROW, **changes}, tenant_id="t", received_at=NOW)


def test_a_row_is_a_purchase_unless_it_says_otherwise():
    event = clean()
    assert (event.name, event.kind, event.value, event.properties) == ("purchase_completed", "track", None, "{}")
    assert clean(type="content_viewed").name == "content_viewed"


def test_an_event_that_is_about_no_item_needs_none():
    assert clean(type="survey_answered", item_id="").item_id is None


def test_the_same_row_has_the_same_id_however_its_time_is_written():
    ids = {clean(timestamp=written).message_id for written in (1772352000, "1772352000", "2026-03-01T16:00:00+08:00")}
    assert len(ids) == 1
    assert clean().message_id.startswith("row_")


@pytest.mark.parametrize(
    "change", [{"user_id": "u2"}, {"item_id": "i2"}, {"type": "content_viewed"}, {"timestamp": 1772352001}]
)
def test_another_row_has_another_id(change):
    assert clean(**change).message_id != clean().message_id


def test_the_id_of_a_row_slightly_ahead_of_the_clock_does_not_depend_on_the_clock():
    later = clean_row({**ROW, "timestamp": "2026-03-10T13:00:00Z"}, tenant_id="t", received_at=NOW.replace(hour=11))
    now = clean(timestamp="2026-03-10T13:00:00Z")
    assert later.message_id == now.message_id
    assert now.occurred_at == NOW


def test_an_id_given_as_a_number_is_its_digits():
    assert clean(user_id=7, message_id=8)[1:3] == ("8", "7")


@pytest.mark.parametrize(
    ("given_value", "kept"),
    [
        ("12.30", "12.30"),
        (12.3, "12.3"),
        (0, "0"),
        ("1e3", "1E+3"),
        ("0.12345678", "0.123457"),
        (" 5 ", "5"),
        ("", None),
    ],
)
def test_a_value_is_kept_as_it_was_written(given_value, kept):
    value = clean(value=given_value).value
    assert value == (None if kept is None else Decimal(kept))
    assert (None if value is None else str(value)) == kept


@pytest.mark.parametrize("wrong", ["-1", "x", "nan", "inf", True, [], 10**12, "1e400", "1e-400x"])
def test_a_value_that_is_no_amount_is_refused(wrong):
    with pytest.raises(RowRefused) as refused:
        clean(value=wrong)
    assert refused.value.reason == "invalid_value"


@pytest.mark.parametrize("wrong", ["[]", "{", 5, "5", {"a": "\x00"}, {"a": "x" * 40_000}])
def test_properties_that_cannot_be_kept_are_refused(wrong):
    with pytest.raises(RowRefused) as refused:
        clean(properties=wrong)
    assert refused.value.param == "properties"


def test_properties_come_as_an_object_or_as_its_text():
    assert clean(properties={"a": 1}).properties == clean(properties='{"a": 1}').properties == '{"a":1}'


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.dictionaries(
        st.sampled_from([*ROW, "type", "value", "currency", "properties", "message_id", "row"]), json_values
    )
)
def test_any_object_is_an_event_or_a_refusal(raw):
    try:
        line = orjson.dumps(raw)
    except TypeError:  # a lone surrogate: not JSON to begin with
        return
    cleaned = clean_lines([line], tenant_id="t", received_at=NOW)
    assert cleaned.read == 1
    assert len(cleaned.events) + len(cleaned.refusals) == 1
