import pytest

from services.recommend.catalogue import CatalogueItem, arrange, next_publication
from services.recommend.interaction import COMPLETED, PURCHASED, REFUNDED, VIEWED, Interaction, owned
from services.recommend.listing import deeds_of, listed
from services.recommend.popularity import HALF_LIFE_DAYS, heat
from services.recommend.rank import Evidence, Ranked
from services.recommend.selection import (
    LIKED_SHARE,
    Pick,
    Unknown,
    affinity_of,
    by_taste,
    for_nobody,
    latest_picks,
    of_model,
    popular_picks,
    taste_of,
)


def catalogue(now=100.0, **heats):
    items = {
        name: CatalogueItem(name, {"en": name.upper(), "zh-CN": f"{name}课"}, categories, active, since)
        for name, categories, active, since in (
            ("f1", ("finance",), True, 10.0),
            ("f2", ("finance", "tax"), True, 20.0),
            ("t1", ("tech",), True, 30.0),
            ("t2", ("tech",), True, 40.0),
            ("hidden", ("tech",), False, 50.0),
            ("later", ("tech",), True, 200.0),
        )
    }
    return arrange(items, heats, now)


def names(picks):
    return [pick.item_id for pick in picks]


def test_only_active_and_published_items_are_shown():
    assert catalogue().shown == {"f1", "f2", "t1", "t2"}
    assert catalogue(now=200.0).by_age[0] == "later"
    assert next_publication(catalogue().items, 100.0) == 200.0
    assert next_publication(catalogue().items, 200.0) == float("inf")


def test_popular_items_come_hot_first_and_untouched_ones_newest_first():
    of = catalogue(f1=1.0, t1=3.0, hidden=9.0, f2=0.0)
    assert of.popular() == ("t1", "f1", "t2", "f2")
    assert of.popular("finance") == ("f1", "f2")
    assert of.popular("nothing") == ()
    assert (of.warmth("t1"), of.warmth("f1"), of.warmth("t2")) == (1.0, pytest.approx(1 / 3), 0.0)
    assert names(popular_picks(of, "tech", limit=1)) == ["t1"]
    assert names(latest_picks(of, None, limit=3)) == ["t2", "t1", "f2"]


def test_nobody_in_particular_gets_popular_items_with_new_ones_between():
    of = catalogue(f1=1.0, t1=3.0, f2=2.0)
    assert names(for_nobody(of, limit=10)) == ["t1", "f2", "f1", "t2"]
    assert names(for_nobody(catalogue(), limit=2)) == ["t2", "t1"]


def test_affinity_is_what_was_shown_and_at_least_a_share_for_what_is_liked():
    affinity = affinity_of(
        {"finance": 0.5, "tech": 0.1, "art": 0.0},
        {"likes_tech": True, "likes_travel": True, "likes_art": False, "is_high_spender": True},
    )
    assert affinity == {"finance": 0.5, "tech": LIKED_SHARE, "travel": LIKED_SHARE}


def test_taste_is_the_share_of_categories_in_history_and_affinity():
    history = [Interaction("f1", PURCHASED, 1.0), Interaction("gone", PURCHASED, 2.0), Interaction("t1", VIEWED, 3.0)]
    taste = taste_of(catalogue(), history, {"finance": 0.5})
    assert taste == pytest.approx({"finance": 1.0 / 1.5, "tech": 0.5 / 1.5})
    assert taste_of(catalogue(), [], {}) == {}


def test_taste_without_a_model_leads_and_the_rest_follows():
    of = catalogue(t1=3.0, f2=1.0)
    picks = by_taste(of, {"finance": 1.0}, limit=4, exclude={"f2"}, context=None)
    assert names(picks) == ["f1", "t1", "t2"]
    assert (picks[0].kind, picks[0].category) == ("category", "finance")


def test_an_open_item_leads_to_others_of_its_categories_and_is_not_shown_itself():
    picks = by_taste(catalogue(), {}, limit=1, exclude={"t1"}, context="t1")
    assert (names(picks), picks[0].because) == (["t2"], "t1")


def ranked(*item_ids):
    return [Ranked(each, 0.9 - n / 10, "ease", Evidence("because_of", item_id="f1")) for n, each in enumerate(item_ids)]


def test_items_that_the_model_does_not_know_get_their_share_at_the_end():
    of = catalogue()
    unknown = Unknown.of(of, {"f1", "f2"})
    picks = of_model(ranked("f1", "f2"), of, unknown, {"tech": 1.0}, limit=2, new_share=0.5, exclude=set())
    assert names(picks) == ["f1", "t2"]
    assert (picks[1].source, picks[1].kind, picks[1].category) == ("new", "new_in_category", "tech")
    assert picks[1].score <= picks[0].score


def test_unknown_items_of_other_categories_only_fill_up():
    of = catalogue()
    unknown = Unknown.of(of, {"f1", "f2"})
    full = of_model(ranked("f1", "f2"), of, unknown, {"finance": 1.0}, limit=2, new_share=0.5, exclude=set())
    assert names(full) == ["f1", "f2"]
    short = of_model(ranked("f1"), of, unknown, {"finance": 1.0}, limit=3, new_share=0.5, exclude={"t2"})
    assert names(short) == ["f1", "t1"]


def test_what_is_owned_was_bought_and_not_given_back_since():
    def deed(item_id, kind, at):
        return Interaction(item_id, kind, at)

    history = [
        deed("kept", PURCHASED, 1.0),
        deed("returned", REFUNDED, 3.0),
        deed("returned", PURCHASED, 2.0),
        deed("again", REFUNDED, 2.0),
        deed("again", PURCHASED, 3.0),
        deed("same-instant", PURCHASED, 1.0),
        deed("same-instant", REFUNDED, 1.0),
        deed("seen", VIEWED, 9.0),
    ]
    assert owned(history) == {"kept", "again"}


def test_the_most_telling_deed_is_named_and_a_refund_never():
    history = [
        Interaction("a", COMPLETED, 1.0),
        Interaction("a", VIEWED, 2.0),
        Interaction("b", VIEWED, 1.0),
        Interaction("b", PURCHASED, 2.0),
        Interaction("c", REFUNDED, 3.0),
    ]
    assert deeds_of(history) == {"a": COMPLETED, "b": PURCHASED}


@pytest.mark.parametrize(
    ("pick", "deeds", "context", "zh", "en"),
    [
        (
            Pick("t1", 1, "ease", "because_of", "f1"),
            {"f1": COMPLETED},
            None,
            "因为你学完了《f1课》",
            "because you finished “F1”",
        ),
        (
            Pick("t1", 1, "knn", "because_of", "f1"),
            {"f1": VIEWED},
            None,
            "因为你看过《f1课》",
            "because you looked at “F1”",
        ),
        (Pick("t1", 1, "ease", "because_of", "f1"), {"f1": VIEWED}, "f1", "与《f1课》相近", "similar to “F1”"),
        (
            Pick("t1", 1, "markov", "follows", "f1"),
            {"f1": PURCHASED},
            None,
            "很多人在《f1课》之后选择",
            "often chosen after “F1”",
        ),
        (Pick("t1", 1, "text", "resembles", "f1"), {"f1": PURCHASED}, None, "与《f1课》相近", "similar to “F1”"),
        (Pick("t1", 1, "ease", "because_of", "gone"), {"gone": PURCHASED}, None, "科技热门", "popular in tech"),
        (
            Pick("f1", 1, "category", "category", None, "finance"),
            {},
            None,
            "你对财经感兴趣",
            "you are interested in finance",
        ),
        (Pick("f2", 1, "popular", "popular_in_category", None, "tax"), {}, None, "财经热门", "popular in tax"),
        (Pick("f1", 1, "popular", "popular"), {}, None, "近期热门", "popular now"),
        (Pick("t1", 1, "new", "new_in_category", None, "tech"), {}, None, "科技新上架", "new in tech"),
        (Pick("t1", 1, "new", "new"), {}, None, "新上架", "new"),
    ],
)
def test_every_item_has_a_reason_that_names_its_evidence(pick, deeds, context, zh, en):
    for locale, said in (("zh-CN", zh), ("en", en)):
        (shown,) = listed(catalogue(), [pick], locale, deeds=deeds, context=context)
        assert (shown.reasons, shown.item_id) == ([said], pick.item_id)


def test_heat_halves_in_a_half_life_and_survives_odd_clocks():
    day = 86_400.0
    assert heat(1.0, 1.6e9) / heat(1.0, 1.6e9 - HALF_LIFE_DAYS * day) == pytest.approx(2.0)
    assert heat(0.2, 1.6e9) == pytest.approx(0.2 * heat(1.0, 1.6e9))
    assert 0 < heat(1.0, -1e12) < heat(1.0, 1.6e9) < heat(1.0, 1e12) < float("inf")
