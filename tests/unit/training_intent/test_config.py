"""What follows from the number of rows."""

import pytest

from training.intent.config import TrainConfig


@pytest.mark.parametrize(("rows", "batch"), [(2, 8), (280, 8), (925, 14), (2_048, 32), (60_000, 32)])
def test_of_few_rows_few_are_in_an_update(rows: int, batch: int) -> None:
    assert TrainConfig().batch_of(rows) == batch


def test_a_batch_that_was_chosen_is_kept() -> None:
    assert [TrainConfig(batch_size=64).batch_of(rows) for rows in (2, 60_000)] == [64, 64]


@pytest.mark.parametrize(("rows", "epochs"), [(2, 8), (280, 8), (3_200, 8), (6_000, 4), (9_200, 3), (60_000, 3)])
def test_of_few_rows_each_is_seen_more_often(rows: int, epochs: int) -> None:
    assert TrainConfig().epochs_of(rows) == epochs


def test_epochs_that_were_chosen_are_kept() -> None:
    assert [TrainConfig(epochs=5).epochs_of(rows) for rows in (2, 60_000)] == [5, 5]
