"""A package judged on rows, and calibrated again on others."""

from pathlib import Path

import numpy as np
import pytest

from services.intent.trained.package import read_package
from services.intent.trained.transformer import OnnxModel
from tests.unit.training_intent.conftest import ON_CPU
from training.intent.judging import judge
from training.intent.making import Made
from training.intent.recalibrating import recalibrate
from training.intent.rows import Row, UnusableData


def test_a_model_is_calibrated_again_on_other_rows(made: Made, tiny_rows: list[Row], tmp_path: Path) -> None:
    partly_wrong = [
        Row(row.text, {"intent": row.labels["intent"] if place % 3 else "out_of_scope"}, row.language)
        for place, row in enumerate(tiny_rows)
        if row.labels["intent"] != "out_of_scope"
    ]
    folder, out = made.folder / "package", tmp_path / "calibrated"
    result = recalibrate(folder, partly_wrong, unknown=["0123"], out=out, progress=lambda name, share: None)
    before, after = OnnxModel(folder, ON_CPU), OnnxModel(out, ON_CPU)
    assert after.version == result["version"] != before.version
    assert set(result["tasks"]) == {"intent"}
    assert result["tasks"]["intent"]["accuracy"] == pytest.approx(2 / 3, abs=0.02)
    assert result["tasks"]["intent"]["ece_after"] < 0.1 < result["tasks"]["intent"]["ece_before"]
    assert after.package.description.temperatures["purchase"] == before.package.description.temperatures["purchase"]
    one, other = (model.decode(model.run(model.encode(["买课 aa3"])))[0] for model in (before, after))
    assert (other.label, other.purchase) == (one.label, one.purchase)
    assert other.confidence < 0.8 < one.confidence
    assert "Calibrated again" in (out / "README.md").read_text()
    with pytest.raises(FileExistsError):
        recalibrate(folder, partly_wrong, out=out, progress=lambda name, share: None)


def test_rows_that_were_chosen_for_being_wrong_calibrate_nothing(
    made: Made, tiny_rows: list[Row], tmp_path: Path
) -> None:
    swapped = {"content.buy": "content.refund", "content.refund": "content.buy"}
    wrong = [Row(row.text, {"intent": swapped.get(row.labels["intent"], "content.buy")}, "zh") for row in tiny_rows]
    with pytest.raises(UnusableData, match="no sample of what is asked"):
        recalibrate(made.folder / "package", wrong, out=tmp_path / "out", progress=lambda name, share: None)
    assert list(tmp_path.iterdir()) == []


def test_too_few_rows_calibrate_nothing(made: Made, tiny_rows: list[Row], tmp_path: Path) -> None:
    folder = made.folder / "package"
    with pytest.raises(UnusableData, match="fitted to 10 rows or more of a task: give more than 9"):
        recalibrate(folder, tiny_rows[:9], out=tmp_path / "out", progress=lambda name, share: None)
    assert list(tmp_path.iterdir()) == []


def test_one_stranger_moves_no_threshold(made: Made, tiny_rows: list[Row], tmp_path: Path) -> None:
    known = [row for row in tiny_rows if row.labels["intent"] != "out_of_scope"]
    folder, out = made.folder / "package", tmp_path / "out"
    recalibrate(folder, known, unknown=["买课"], out=out, progress=lambda name, share: None)
    assert read_package(out).description.scope_threshold == read_package(folder).description.scope_threshold


def test_a_package_is_judged_by_language_and_against_strangers(made: Made, tiny_rows: list[Row]) -> None:
    strangers = ["0123 0123 4567"]
    result = judge(made.folder / "package", tiny_rows, unknown=strangers)
    assert result["rows"] == 90
    assert result["tasks"]["intent"]["accuracy"] > 0.9
    assert result["purchase_auc"] > 0.9
    assert 0.9 < result["scope_auroc"] <= 1.0
    assert result["by_language"]["zh"]["tasks"]["intent"]["rows"] == 60
    assert result["by_language"]["en"]["tasks"]["intent"]["confusion"][2][2] == 30


def test_judging_knows_which_logits_belong_to_which_row(made: Made, tiny_rows: list[Row]) -> None:
    mixed = [tiny_rows[place] for place in np.random.default_rng(0).permutation(len(tiny_rows))]
    one, other = (judge(made.folder / "package", rows) for rows in (tiny_rows, mixed))
    assert one["tasks"]["intent"]["confusion"] == other["tasks"]["intent"]["confusion"]
