"""What is written for a spreadsheet is no formula there, and comes back as it was; rows have the numbers that one shows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.spreadsheet import Unreadable, UnreadableRow, guarded, numbered, readable, unguarded


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


def test_rows_are_numbered_as_a_spreadsheet_shows_them() -> None:
    assert list(numbered(["a,b\n", "\n", '1,"x\n', 'y"\n', "2,z"])) == [
        (1, ["a", "b"]),
        (2, []),
        (3, ["1", "x\ny"]),
        (4, ["2", "z"]),
    ]
    assert list(numbered(["a;b\r\n"], delimiter=";")) == [(1, ["a", "b"])]
    assert list(numbered([])) == []


def test_a_row_that_cannot_be_read_is_told_by_its_number_and_the_next_is_read() -> None:
    first, broken, after = numbered(["a,b\n", '"1"x,2\n', "3,4\n"])
    assert (first, after) == ((1, ["a", "b"]), (3, ["3", "4"]))
    assert broken == (2, Unreadable("',' expected after '\"'", unclosed=False))


def test_a_quote_that_is_never_closed_is_the_last_thing_told() -> None:
    *_, last = numbered(["a,b\n", '1,"2\n', "3,4\n"])
    assert last == (2, Unreadable("a quote is opened and never closed", unclosed=True))


def test_who_needs_every_row_is_told_of_the_first_that_cannot_be_read() -> None:
    rows = readable(["a,b\n", '"1"x,2\n', "3,4\n"])
    assert next(rows) == (1, ["a", "b"])
    with pytest.raises(UnreadableRow, match=r"^row 2: ',' expected after"):
        next(rows)
