import json

import pytest

import demo
from demo.truth import truth_of
from demo.world import DEFAULT_SEED, World, simulate


def test_shares_of_interest_sum_to_one(village: World) -> None:
    for person in truth_of(village).people.values():
        assert sum(person.interests.values()) == pytest.approx(1, abs=1e-3)


def test_nobody_buys_again_what_they_own(world: World) -> None:
    assert not any(person.owned & person.next_taken for person in truth_of(world).people.values())


def test_what_was_refunded_is_not_owned(world: World) -> None:
    people = truth_of(world).people
    refunds = [event for event in world.events if event.type == "purchase_refunded"]
    assert refunds
    assert not any(event.item_id in people[event.user_id].owned for event in refunds)


def test_the_document_is_plain_json_that_says_it_is_synthetic(village: World) -> None:
    document = json.loads(json.dumps(truth_of(village).document()))
    assert "Synthetic" in document["notice"]
    assert len(document["people"]) == 60


def test_the_example_is_about_a_known_person_and_an_item_not_yet_theirs() -> None:
    world = simulate(DEFAULT_SEED, people=1)
    call = json.loads(demo.EXAMPLE_CALL)
    example = world.people[0]
    assert call["user_id"] == demo.EXAMPLE_USER == example.user_id
    assert call["item_id"] in {item.item_id for item in world.items if item.topic == "insurance-basics"}
    assert call["item_id"] not in truth_of(world).people[example.user_id].owned
    assert all(example.consents[purpose] for purpose in ("finance", "health", "marketing"))
    assert len(example.facts) == 8
