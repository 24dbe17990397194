"""What is written for a spreadsheet is no formula there, and comes back as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.spreadsheet import guarded, unguarded


@pytest.mark.parametrize(
    "text", ["=HYPERLINK(1)", "+86 打不通", "-1 分", "@客服", "\t=1+1", "＝1+1", "－1 分", "\n=1", "'=1+1", "''-x"]
)
def test_what_begins_like_a_formula_is_none(text: str) -> None:
    assert guarded(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "退款", "a=b", "'tis", "5-3", "''"])
def test_any_other_text_is_left_as_it_is(text: str) -> None:
    assert guarded(text) == text == unguarded(text)


@given(st.text(alphabet="'=+-@＝\t\r\n a退", max_size=8))
def test_it_comes_back_as_it_was(text: str) -> None:
    assert unguarded(guarded(text)) == text
