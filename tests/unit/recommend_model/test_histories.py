"""What counts as a past, and how it is cut for validation."""

import numpy as np

from services.recommend.history import recent_items, weighted_history
from services.recommend.interaction import Interaction
from training.recommend.columns import InteractionColumns, ItemColumns, seconds
from training.recommend.histories import alike_when_cut, build_histories, cut_last, index_of

DAY = 86_400.0


def test_repeats_become_one_entry_with_the_latest_moment_and_the_strongest_type():
    columns = InteractionColumns(
        ["u", "u", "u"], ["a", "a", "b"], [3.0, 5.0, 4.0], ["purchase_completed", "content_viewed", "content_viewed"]
    )
    past = build_histories(columns, {"u": 0}, {"a": 0, "b": 1})
    assert past.items.tolist() == [1, 0]
    assert past.moments.tolist() == [4.0, 5.0]
    assert past.weights.tolist() == [0.2, 1.0]


def test_refunded_items_and_events_that_are_no_interactions_are_left_out():
    columns = InteractionColumns(
        ["u", "u", "u"], ["a", "a", "b"], [1.0, 2.0, 3.0], ["purchase_completed", "purchase_refunded", "offer_shown"]
    )
    assert len(build_histories(columns, {"u": 0}, {"a": 0, "b": 1}).items) == 0


def test_the_service_reads_a_past_as_training_does():
    events = [("a", "purchase_completed", 1.0), ("b", "content_viewed", 2.0), ("b", "content_rated", 3.0)]
    events += [("c", "purchase_completed", 4.0), ("c", "purchase_refunded", 5.0), ("d", "offer_shown", 6.0)]
    served = weighted_history(Interaction(item, kind, at) for item, kind, at in events)
    items, kinds, moments = zip(*events, strict=True)
    rows = index_of(items)
    trained = build_histories(InteractionColumns(["u"] * len(events), items, moments, kinds), {"u": 0}, rows)
    names = list(rows)
    entries = zip(trained.items.tolist(), trained.moments.tolist(), trained.weights.tolist(), strict=True)
    assert served == [(names[row], at, weight) for row, at, weight in entries]


def test_a_past_is_decayed_from_its_newest_item_and_unknown_items_do_not_count():
    history = [("b", 10 * DAY, 1.0), ("a", 0.0, 0.5), ("unknown", 99 * DAY, 1.0)]
    recent = recent_items(history, {"a": 0, "b": 1}, half_life_days=10, length=5)
    assert recent.rows.tolist() == [0, 1]
    assert recent.weights.tolist() == [0.25, 1.0]


def test_only_the_latest_items_of_a_long_past_are_read():
    history = [(str(number), float(number), 1.0) for number in range(9)]
    recent = recent_items(history, {str(number): number for number in range(9)}, half_life_days=1, length=3)
    assert recent.rows.tolist() == [6, 7, 8]


def test_the_cut_holds_back_the_last_entries_and_always_leaves_one():
    users = ["u"] * 5 + ["v"] * 2 + ["w"]
    items = ["a", "b", "c", "d", "e", "a", "b", "a"]
    past = build_histories(InteractionColumns(users, items, range(8)), index_of(users), index_of(items))
    early, late = cut_last(past, 0.4, np.array([0, 1, 2]), seed=0)
    assert early.lengths.tolist() == [3, 1, 1]
    assert late.lengths.tolist() == [2, 1, 0]
    assert late.items.tolist() == [3, 4, 1]


def test_people_outside_the_validation_stay_whole():
    past = build_histories(InteractionColumns(["u", "u"], ["a", "b"], [1, 2]), {"u": 0}, {"a": 0, "b": 1})
    early, late = cut_last(past, 0.4, np.zeros(0, np.int64), seed=0)
    assert early.lengths.tolist() == [2]
    assert late.lengths.tolist() == [0]


def test_within_one_moment_chance_decides_what_is_held_back():
    users = [f"u{person}" for person in range(200) for _ in range(2)]
    past = build_histories(InteractionColumns(users, ["a", "b"] * 200, [7.0] * 400), index_of(users), {"a": 0, "b": 1})
    _, late = cut_last(past, 0.4, np.arange(200), seed=0)
    assert 70 < (late.items == 0).sum() < 130


def test_people_for_validation_have_as_long_a_past_when_cut_as_others_have_uncut():
    users = [f"short{n}" for n in range(300) for _ in range(3)] + [f"long{n}" for n in range(100) for _ in range(4)]
    items = [str(place % 11) for place in range(len(users))]
    past = build_histories(InteractionColumns(users, items, range(len(users))), index_of(users), index_of(items))
    chosen = alike_when_cut(past, 0.4, 100, seed=0)
    # Cut, a past of 4 has 3 items, as most have uncut; a past of 3 would have 2, which nobody has.
    assert chosen.tolist() == list(range(300, 400))


def test_moments_are_read_from_seconds_milliseconds_and_iso_8601():
    assert seconds("1506072964") == 1_506_072_964
    assert seconds(1_506_072_964_000) == 1_506_072_964
    assert seconds("2017-09-22T09:36:04Z") == 1_506_072_964
    assert seconds("2017-09-22T09:36:04") == 1_506_072_964


def test_catalogue_rows_take_categories_and_titles_in_every_form_of_an_export():
    columns = ItemColumns.from_rows(
        [
            {"item_id": 7, "title": "Art", "categories": "design| colour |"},
            {"item_id": "8", "title": {"zh-CN": "艺术", "en": "Art"}, "categories": ["design"]},
        ]
    )
    assert columns.item_ids == ["7", "8"]
    assert columns.titles == ["Art", "艺术 Art"]
    assert columns.categories == [["design", "colour"], ["design"]]
