"""Fitting segments and thresholds; the fitted model must mean the same to the service that reads it."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from services.profile.features import Features
from services.profile.segments import NUMBERS, TRAITS, Scorer, SegmentsModel
from training.segments import fit
from training.segments.population import SEGMENT_COLUMNS, TRAIT_COLUMNS
from training.segments.thresholds import TOP_SHARE, top_share_threshold

AS_OF = datetime(2026, 3, 10, tzinfo=UTC)
NAMES = (
    "recency_days", "tenure_days", "events", "events_30d", "purchases", "refunds", "spend", "spend_total",
    "completion", "refund_rate", "price_sensitivity", "night_share", "peak_hour", "interests", "domain_events",
)  # fmt: skip


def row(user_id, *, recency=10.0, events=5, purchases=2, spend=50.0, **more):
    return {
        "user_id": user_id, "as_of": AS_OF.isoformat(), "recency_days": recency, "tenure_days": 200.0, "events": events,
        "events_30d": events * 2.718 ** (-recency / 30), "purchases": purchases, "refunds": 0, "spend": spend,
        "spend_total": spend, "completion": None, "refund_rate": None, "price_sensitivity": None, "night_share": 0.0,
        "peak_hour": 20, "interests": {}, "domain_events": {}, **more,
    }  # fmt: skip


def population(seed=0, people=600):
    """Three kinds of people who differ by a factor, mixed up; the kind is in the id."""
    rng = np.random.default_rng(seed)
    kinds = [("often", 3.0, 60, 20, 900.0), ("now-and-then", 30.0, 12, 4, 150.0), ("gone", 300.0, 2, 1, 20.0)]
    rows = []
    for number in range(people):
        name, recency, events, purchases, spend = kinds[number % 3]
        factor = rng.lognormal(0, 0.2, 4)
        tech = float(rng.uniform(0.2, 1.0))
        rows.append(
            row(
                f"{name}-{number}",
                recency=recency * factor[0],
                events=max(1, int(events * factor[1])),
                purchases=max(1, int(purchases * factor[2])),
                spend=spend * factor[3],
                night_share=float(rng.uniform(0, 1)),
                interests={"tech": tech, "finance": 1 - tech},
                domain_events={"tech": 3, "finance": 1 + number % 3},
            )
        )
    return [rows[place] for place in rng.permutation(people)]


def features_of(given):
    return Features(**{name: given[name] for name in NAMES})


def test_people_without_clear_kinds_are_divided_the_same_way_whatever_the_seed():
    rng = np.random.default_rng(4)
    vague = rng.lognormal(0, 1, (600, 3))
    rows = [row(f"p-{n}", recency=20 * a, events=max(1, int(9 * b)), spend=80 * c) for n, (a, b, c) in enumerate(vague)]
    first, *others = [fit(rows, seed=seed, fitted_at=AS_OF).assigned.tolist() for seed in range(4)]
    assert all(each == first for each in others)


def test_the_kinds_of_people_are_found_and_named_by_their_activity():
    rows = population()
    fitted = fit(rows, fitted_at=AS_OF)
    label = {"often": "active", "now-and-then": "semi-active", "gone": "inactive"}
    found = [fitted.model.labels[place] for place in fitted.assigned]
    assert np.mean([label[r["user_id"].rsplit("-", 1)[0]] == name for r, name in zip(rows, found, strict=True)]) > 0.98
    assert [each.label for each in fitted.summary] == ["active", "semi-active", "inactive"]
    assert sum(each.people for each in fitted.summary) == 600
    centres = [each.centre for each in fitted.summary]
    assert centres[0]["recency_days"] < centres[1]["recency_days"] < centres[2]["recency_days"]
    assert 700 < centres[0]["spend"] < 1100


def test_the_service_scores_everybody_as_the_fit_did():
    rows = population(seed=4)
    fitted = fit(rows, fitted_at=AS_OF)
    scorer = Scorer(SegmentsModel.model_validate_json(fitted.model.model_dump_json()))
    scored = [scorer.score(features_of(each)).segment for each in rows]
    assert scored == [fitted.model.labels[place] for place in fitted.assigned]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_labels_stay_put_across_refits(seed):
    rows = population()
    first = fit(rows, seed=0, fitted_at=AS_OF)
    shuffled = [rows[place] for place in np.random.default_rng(seed).permutation(len(rows))]
    scorers = [Scorer(first.model), Scorer(fit(shuffled, seed=seed, fitted_at=AS_OF).model)]
    one, other = ([scorer.score(features_of(each)).segment for each in rows] for scorer in scorers)
    assert np.mean([a == b for a, b in zip(one, other, strict=True)]) > 0.99


def test_the_same_seed_gives_the_same_model():
    rows = population(seed=9)
    assert fit(rows, seed=5, fitted_at=AS_OF).model == fit(rows, seed=5, fitted_at=AS_OF).model


@pytest.mark.parametrize(
    "rows",
    [[], [row("u1")], [row("u1"), row("u2", events=9)], [row(f"u{n}") for n in range(50)]],
    ids=["nobody", "one", "two", "all alike"],
)
def test_too_few_people_who_differ_get_no_segment_and_the_reason(rows, tmp_path):
    fitted = fit(rows, fitted_at=AS_OF)
    assert (fitted.model.labels, fitted.summary) == ([], [])
    assert fitted.metadata["reason"] == "fewer than 3 people who differ"
    assert fitted.metadata["people"] == len(rows)
    scored = Scorer(fitted.model).score(features_of(row("u1")))
    assert scored.segment is None
    assert not any(scored.traits.values())
    fitted.save(tmp_path)


def test_a_column_that_is_the_same_for_everybody_does_no_harm():
    rows = [{**each, "spend": 0.0} for each in population()]
    fitted = fit(rows, fitted_at=AS_OF)
    assert [each.people for each in fitted.summary] == [200, 200, 200]


def test_other_numbers_of_segments_are_tiers():
    fitted = fit(population(), k=5, fitted_at=AS_OF)
    assert [each.label for each in fitted.summary] == ["tier-1", "tier-2", "tier-3", "tier-4", "tier-5"]
    with pytest.raises(ValueError, match="k is at least 2"):
        fit(population(), k=1)


def test_the_lag_of_the_population_behind_the_clock_is_remembered():
    assert fit(population(), fitted_at=AS_OF + timedelta(days=10)).model.lag_s == 864000.0
    assert fit(population(), fitted_at=AS_OF - timedelta(days=10)).model.lag_s == 0.0


def test_what_is_saved_is_what_was_fitted(tmp_path):
    fitted = fit(population(), fitted_at=AS_OF)
    fitted.save(tmp_path)
    assert SegmentsModel.model_validate_json((tmp_path / "model.json").read_bytes()) == fitted.model
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.json", "summary.json"]


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"user_id": "u1"}, "not a row"),
        (row("u1", recency=-1.0), "row 1: recency_days"),
        ({**row("u1"), "events": None}, "row 1: events"),
        ({**row("u1"), "events": "many"}, "could not convert"),
    ],
)
def test_a_row_that_is_no_export_is_named(broken, message):
    with pytest.raises(ValueError, match=message):
        fit([broken])


def test_the_columns_and_traits_are_those_that_the_service_knows():
    assert set(SEGMENT_COLUMNS) <= NUMBERS
    assert {trait: feature for trait, (feature, _) in TOP_SHARE.items()} == dict(TRAITS)
    assert set(TRAIT_COLUMNS) == set(TRAITS.values())


class TestThresholds:
    def test_at_most_the_top_share_of_those_who_have_any_reach_it(self):
        values = np.concatenate([np.zeros(900), np.arange(1.0, 101.0)])
        assert top_share_threshold(values, 0.2) == 81.0

    def test_ties_never_crown_more_than_the_share(self):
        bought = np.array([1.0] * 75 + [2.0] * 15 + [3.0] * 10)
        assert top_share_threshold(bought, 0.2) == 3.0
        assert top_share_threshold(bought, 0.25) == 2.0

    @pytest.mark.parametrize(
        "values", [np.ones(100), np.zeros(100), np.full(100, np.nan), np.arange(1.0, 20.0), np.array([])]
    )
    def test_where_nobody_stands_out_there_is_none(self, values):
        assert top_share_threshold(values, 0.2) is None

    def test_they_follow_the_population_and_are_not_fixed(self):
        rich = [{**each, "spend": each["spend"] * 100} for each in population()]
        modest, wealthy = (
            fit(rows, fitted_at=AS_OF).model.thresholds["is_high_spender"] for rows in (population(), rich)
        )
        assert wealthy == pytest.approx(100 * modest)

    def test_a_domain_is_liked_from_the_median_share_of_those_interested(self):
        rows = population()
        model = fit(rows, fitted_at=AS_OF).model
        assert model.likes["tech"].share == pytest.approx(np.median([each["interests"]["tech"] for each in rows]))
        likes = [Scorer(model).score(features_of(each)).traits for each in rows]
        assert sum(each["likes_tech"] for each in likes) == 300
        assert not any(
            t["likes_finance"] for r, t in zip(rows, likes, strict=True) if r["domain_events"]["finance"] < 2
        )

    def test_people_of_one_domain_alone_like_it(self):
        only = {"interests": {"tech": 1.0}, "domain_events": {"tech": 4}}
        rows = [row(f"u{n}", events=n + 1, **only) for n in range(40)]
        assert fit(rows, fitted_at=AS_OF).model.likes["tech"].share == 1.0

    def test_a_domain_of_a_handful_is_no_trait(self):
        few = {"interests": {"chess": 1.0}, "domain_events": {"chess": 9}}
        rows = [*population(), *(row(f"c{n}", **few) for n in range(19))]
        assert "chess" not in fit(rows, fitted_at=AS_OF).model.likes
