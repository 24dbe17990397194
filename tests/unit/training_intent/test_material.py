"""Rows by what they are for, and those that nothing can be chosen on, which are refused before anything is read or trained."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from training.intent.config import TrainConfig
from training.intent.making import make_model
from training.intent.material import UnusableValidation, divide
from training.intent.rows import Row, UnusableData

BUY, REFUND, OUTSIDE = ({"intent": name} for name in ("content.buy", "content.refund", "out_of_scope"))
GLAD, CROSS, CALM = ({"sentiment": name} for name in ("positive", "negative", "neutral"))


def rows(*labels: Mapping[str, str]) -> list[Row]:
    return [Row(f"text {place}", each, "en") for place, each in enumerate(labels)]


@pytest.mark.parametrize("given", [(BUY,), (BUY, OUTSIDE), (GLAD, BUY)])
def test_one_row_in_scope_is_enough_and_none_out_of_it_is_needed(given: Sequence[Mapping[str, str]]) -> None:
    learned = rows(BUY, REFUND, OUTSIDE, GLAD, CROSS)
    division = divide(learned, rows(*given), TrainConfig())
    assert (division.train, division.validation) == (learned, rows(*given))
    assert division.vocabulary.classes["intent"] == ("content.buy", "content.refund", "out_of_scope")


@pytest.mark.parametrize("given", [(OUTSIDE,), (GLAD,), (OUTSIDE, CROSS)])
def test_validation_rows_of_which_none_is_in_scope_are_refused(given: Sequence[Mapping[str, str]]) -> None:
    with pytest.raises(UnusableValidation, match=r"^no row is in scope \(has an intent other than out_of_scope\)"):
        divide(rows(BUY, REFUND, OUTSIDE, GLAD, CROSS), rows(*given), TrainConfig())


def test_rows_held_out_are_refused_when_no_class_in_scope_has_one_to_spare() -> None:
    with pytest.raises(UnusableValidation, match=r"^of the rows held out for validation, no row is in scope"):
        divide(rows(BUY, REFUND, *[OUTSIDE] * 20), [], TrainConfig())


def test_two_rows_are_refused_for_what_they_lack() -> None:
    with pytest.raises(UnusableValidation, match=r"^no label has two texts of its own"):
        divide(rows(BUY, REFUND), [], TrainConfig())


@pytest.mark.parametrize(
    ("learned", "reason"),
    [((GLAD, CROSS), "no row has a label"), ((BUY, REFUND, GLAD, CALM), "no row has the sentiment negative")],
)
def test_rows_that_make_a_model_that_is_not_served_are_refused(
    learned: Sequence[Mapping[str, str]], reason: str
) -> None:
    with pytest.raises(UnusableData, match=f"^{reason}"):
        divide(rows(*learned), rows(BUY), TrainConfig())


def test_a_run_that_cannot_be_judged_is_refused_before_its_base_is_read(tmp_path: Path) -> None:
    with pytest.raises(UnusableValidation):
        make_model(
            rows(BUY, REFUND, OUTSIDE),
            base=tmp_path / "absent",
            out=tmp_path / "out",
            config=TrainConfig(),
            progress=lambda name, share: None,
            validation=rows(OUTSIDE),
        )
    assert list(tmp_path.iterdir()) == []
