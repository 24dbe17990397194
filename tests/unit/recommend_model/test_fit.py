"""The whole fit: choices, determinism, and data with almost nothing in it."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from training.recommend import (
    InteractionColumns,
    ItemColumns,
    RecommendConfig,
    evaluate,
    evaluate_files,
    fit,
    read_interactions,
)
from training.recommend.report import save_page
from training.recommend.sources import SourcesConfig

REPOSITORY = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get("KUAJIE_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
NOBODY = InteractionColumns([], [], [])


def test_the_same_data_and_seed_give_the_same_model(fitted, platform):
    again = fit(*platform, seed=1)
    assert again.metadata == fitted.metadata
    assert again.model.blend == fitted.model.blend
    for name, rows in fitted.model.matrices.items():
        np.testing.assert_array_equal(again.model.matrices[name].values, rows.values)


def test_metadata_say_what_was_chosen_and_how_good_it_was(fitted):
    said = fitted.metadata
    assert said["people"] == 300
    assert said["items"] == {"all": 40, "with_interactions": 40, "without_catalogue_row": 0, "ease": 40}
    assert set(said["validation"]["ndcg@10"]) == {"ours", "popularity", "item_knn", "ease"}
    assert said["validation"]["ndcg@10"]["ours"]["mean"] > 1.5 * said["validation"]["ndcg@10"]["popularity"]["mean"]
    assert said["notes"] == []


def test_progress_rises_to_one(platform):
    seen: list[float] = []
    fit(*platform, progress=lambda stage, share: seen.append(share))
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0.0, 1.0)


def test_without_interactions_the_catalogue_still_answers_and_the_metadata_say_so():
    fitted = fit(NOBODY, ItemColumns(["a", "b"], ["Tax", "Paint"], [["finance"], ["design"]]))
    assert fitted.metadata["notes"] == [
        "no interactions: the model knows the catalogue only; lists come from categories"
    ]
    found = fitted.model.recommend([], limit=2, now=0.0, affinity={"design": 1.0})
    assert [each.item_id for each in found] == ["b", "a"]


def test_nothing_at_all_gives_a_model_with_empty_lists():
    fitted = fit(NOBODY)
    assert fitted.model.recommend([], limit=5, now=0.0) == []


def test_one_event_of_one_person_is_enough():
    fitted = fit(InteractionColumns(["u"], ["a"], [5.0]), ItemColumns(["a", "b"], ["x", "y"], [[], []]))
    found = fitted.model.recommend([("a", 5.0, 1.0)], limit=5, now=6.0, exclude=["a"])
    assert [each.item_id for each in found] == ["b"]
    assert "nobody has two items" in fitted.metadata["notes"][0]


def test_people_without_repeats_give_popularity():
    items = ["a", "b", "b", "c", "c", "c"]
    fitted = fit(InteractionColumns([f"u{n}" for n in range(6)], items, [0.0] * 6))
    assert [each.item_id for each in fitted.model.recommend([], limit=3, now=1.0)] == ["c", "b", "a"]


def test_items_with_events_but_without_a_catalogue_row_are_kept():
    fitted = fit(InteractionColumns(["u", "v"], ["a", "ghost"], [1.0, 2.0]), ItemColumns(["a"], ["x"], [["k"]]))
    assert fitted.metadata["items"]["without_catalogue_row"] == 1
    assert {each.item_id for each in fitted.model.popular(limit=5)} == {"a", "ghost"}


def test_above_its_limit_of_items_ease_is_skipped_and_the_metadata_say_so(platform):
    config = replace(RecommendConfig(), sources=SourcesConfig(ease_most_items=30))
    fitted = fit(*platform, config=config)
    assert fitted.metadata["items"]["ease"] == 0
    assert fitted.metadata["notes"] == ["EASE was skipped: 40 items are more than 30"]
    assert "ease" not in {each.source for each in fitted.model.recommend([("fin1", 0.0, 1.0)], limit=20, now=1.0)}


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="columns of different lengths"):
        InteractionColumns(["u"], ["a", "b"], [1.0])


def split(interactions: InteractionColumns) -> tuple[InteractionColumns, InteractionColumns]:
    """The first four of everybody's six, and the rest."""
    rows = list(zip(interactions.user_ids, interactions.item_ids, interactions.timestamps, strict=True))
    early = [row for place, row in enumerate(rows) if place % 6 < 4]
    late = [row for place, row in enumerate(rows) if place % 6 >= 4]
    columns = [InteractionColumns(*map(list, zip(*part, strict=True))) for part in (early, late)]
    return columns[0], columns[1]


def test_an_evaluation_shows_every_method_on_the_same_people(platform, tmp_path):
    interactions, items = platform
    train, test = split(interactions)
    found = evaluate(items, train, test, k=5)
    assert set(found.methods) == {"popularity", "item_knn", "ease", "ours"}
    assert found.people == 300
    assert found.differences["popularity"].low > 0
    gain = found.methods["ours"].ndcg.mean - found.methods["ease"].ndcg.mean
    assert found.differences["ease"].mean == pytest.approx(gain)
    save_page(found, tmp_path / "evaluation.html")
    assert "item-kNN" in (tmp_path / "evaluation.html").read_text()


def test_an_evaluation_needs_no_catalogue(platform):
    train, test = split(platform[0])
    assert evaluate(None, train, test, k=5).people == 300


def test_a_test_of_strangers_is_refused(platform):
    train, _ = split(platform[0])
    with pytest.raises(ValueError, match="no person of the test"):
        evaluate(platform[1], train, InteractionColumns(["stranger"], ["fin1"], [1.0]))


def test_a_file_without_a_column_is_refused_by_name(tmp_path):
    (tmp_path / "events.csv").write_text("user_id,item_id\nu,a\n")
    with pytest.raises(ValueError, match=r"events\.csv has no column timestamp"):
        read_interactions(tmp_path / "events.csv")


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.skipif(not (DATA / "coco" / "test.csv").exists(), reason="the real course data is not here")
def test_on_real_people_the_blend_beats_ease_and_the_baselines_are_the_published_ones():
    coco = DATA / "coco"
    found = evaluate_files(coco / "items.csv", coco / "train.csv", coco / "test.csv", 10)
    assert found.fit_seconds < 120
    ndcg = {name: result.ndcg.mean for name, result in found.methods.items()}
    assert ndcg["popularity"] == pytest.approx(0.0258, abs=0.0002)
    assert ndcg["item_knn"] == pytest.approx(0.0734, abs=0.0005)
    assert ndcg["ease"] == pytest.approx(0.0799, abs=0.0003)
    assert ndcg["ours"] >= 0.088
    assert found.differences["ease"].low > 0.006
