from decimal import Decimal

import pytest
from pydantic import TypeAdapter, ValidationError

from services.kit.errors import dotted
from services.kit.ids import new_id, uuid7
from services.kit.money import Money
from services.kit.wire import ExternalId, localise


def test_money_is_a_string_on_the_wire_and_keeps_its_zeros():
    money = Money(amount=Decimal("12.30"), currency="CNY")
    assert money.model_dump_json() == '{"amount":"12.30","currency":"CNY"}'
    assert Money.model_validate_json(money.model_dump_json()) == money


def test_money_never_writes_an_exponent():
    assert Money(amount=Decimal("1E+3"), currency="CNY").model_dump(mode="json")["amount"] == "1000"


def test_an_id_is_prefixed_and_sorts_by_time():
    ids = [new_id("quo") for _ in range(100)]
    assert all(each.startswith("quo_") and len(each) == 36 for each in ids)
    assert ids == sorted(ids)
    assert uuid7().version == 7


@pytest.mark.parametrize("text", ["", "x" * 129, "a\nb", "a\x00b"])
def test_a_callers_id_is_short_and_printable(text):
    with pytest.raises(ValidationError):
        TypeAdapter(ExternalId).validate_python(text)


def test_a_text_falls_back_to_its_language_then_to_chinese_then_to_any():
    text = {"zh-CN": "重疾险", "en": "Critical illness"}
    assert localise(text, "en-GB") == "Critical illness"
    assert localise(text, "fr") == "重疾险"
    assert localise({"de": "Unfall"}, "en") == "Unfall"
    assert localise({}, "en") == ""


def test_the_place_of_an_error_is_told_from_the_body_on():
    assert dotted(("body", "batch", 3, "timestamp")) == "batch.3.timestamp"
