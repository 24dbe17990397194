"""What may be wanted of versions, and what a wish makes of the others."""

from datetime import UTC, datetime

import pytest

from services.intent.serving.desired import Desired, Wish, WishRefused

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 1, 1, 13, tzinfo=UTC)


def test_a_promotion_remembers_what_served() -> None:
    first = Desired().promoted("b", NOON, "ops", serving="a")
    assert first.wishes == {"b": Wish("serving", NOON, "ops", previous="a")}
    second = first.promoted("c", LATER, "ops", serving="b")
    assert second.wishes == {"c": Wish("serving", LATER, "ops", previous="b")}


def test_a_promotion_after_a_refused_one_remembers_what_really_served() -> None:
    refused = Desired().promoted("b", NOON, "ops", serving="a")
    assert refused.promoted("c", LATER, "ops", serving="a").wishes["c"].previous == "a"


def test_promoting_what_serves_asks_again_and_forgets_nothing() -> None:
    once = Desired().promoted("b", NOON, "ops", serving="a")
    assert once.promoted("b", LATER, "ops", serving="b").wishes == {"b": Wish("serving", LATER, "ops", previous="a")}
    assert once.promoted("b", LATER, "ops", serving="a").wishes == {"b": Wish("serving", LATER, "ops", previous="a")}


def test_promoting_what_serves_by_default_falls_back_to_nothing() -> None:
    assert Desired().promoted("a", NOON, "ops", serving="a").wishes["a"].previous is None


def test_a_promoted_shadow_is_no_shadow_any_more() -> None:
    shadowed = Desired().shadowed("b", NOON, "ops", share=0.1)
    assert shadowed.shadow == ("b", 0.1)
    assert shadowed.promoted("b", NOON, "ops", serving="a").shadow is None


def test_there_is_one_shadow_at_a_time() -> None:
    shadowed = Desired().shadowed("b", NOON, "ops", share=0.1)
    assert shadowed.shadowed("b", NOON, "ops", share=0.5).shadow == ("b", 0.5)
    with pytest.raises(WishRefused, match="b is the shadow") as refused:
        shadowed.shadowed("c", NOON, "ops", share=0.1)
    assert refused.value.code == "another_shadow"


def test_a_shadow_that_ends_stays_loaded() -> None:
    ended = Desired().shadowed("b", NOON, "ops", share=0.1).unshadowed("b", LATER, "ops")
    assert ended.wishes == {"b": Wish("loaded", LATER, "ops")}
    with pytest.raises(WishRefused) as refused:
        ended.unshadowed("b", LATER, "ops")
    assert refused.value.code == "no_shadow"


def test_loading_leaves_a_role_as_it_is_and_asks_again() -> None:
    shadowed = Desired().shadowed("b", NOON, "ops", share=0.1)
    assert shadowed.loaded("b", LATER, "you").wishes == {"b": Wish("shadow", LATER, "you", share=0.1)}


def test_what_serves_is_neither_shadowed_nor_retired() -> None:
    serving = Desired().promoted("b", NOON, "ops", serving="a")
    for refused in (lambda: serving.shadowed("b", NOON, "ops", share=0.1), lambda: serving.retired("b")):
        with pytest.raises(WishRefused) as why:
            refused()
        assert why.value.code == "model_serves"


def test_retiring_what_has_no_role_changes_nothing() -> None:
    loaded = Desired().loaded("b", NOON, "ops")
    assert loaded.retired("b") == Desired()
    assert loaded.retired("c") == loaded
