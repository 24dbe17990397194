"""Secrets under seal: only our keys open them, and only in their own place."""

import pytest

from services.intent.monitor.sealing import Sealer, Unsealable

ONE, TWO = "one:" + "a" * 32, "two:" + "b" * 32
PLACE = ("tenant", "whk_1")


def test_what_is_sealed_opens_in_its_place_and_looks_different_each_time() -> None:
    sealer = Sealer(ONE)
    first, second = (sealer.seal("whsec_x", place=PLACE) for _ in range(2))
    assert first != second
    assert "whsec" not in first
    assert sealer.open(first, place=PLACE) == sealer.open(second, place=PLACE) == "whsec_x"


def test_after_a_rotation_of_keys_old_seals_open_and_new_ones_are_made_with_the_new_key() -> None:
    old = Sealer(ONE).seal("whsec_x", place=PLACE)
    rotated = Sealer(f"{TWO}, {ONE}")
    assert rotated.open(old, place=PLACE) == "whsec_x"
    assert rotated.seal("whsec_x", place=PLACE).startswith("two.")


@pytest.mark.parametrize("place", [("other", "whk_1"), ("tenant", "whk_2")])
def test_a_seal_does_not_open_elsewhere(place: tuple[str, str]) -> None:
    sealer = Sealer(ONE)
    with pytest.raises(Unsealable):
        sealer.open(sealer.seal("whsec_x", place=PLACE), place=place)


@pytest.mark.parametrize("sealed", ["", "one.", "one.????", "gone.AAAA", "one.AAAAAAAAAAAAAAAAAAAAAAAA"])
def test_what_is_damaged_or_under_another_key_does_not_open(sealed: str) -> None:
    with pytest.raises(Unsealable):
        Sealer(ONE).open(sealed, place=PLACE)


@pytest.mark.parametrize("spec", ["", "one", "one:short", ":" + "a" * 32, "a.b:" + "a" * 32])
def test_keys_have_a_name_and_32_characters(spec: str) -> None:
    with pytest.raises(ValueError, match="KUAJIE_INTENT_SEALING_KEYS"):
        Sealer(spec)
