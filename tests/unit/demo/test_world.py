from collections import Counter, defaultdict

import numpy as np

from demo.catalogue import DOMAINS
from demo.people import ACTIVITIES, PURPOSES
from demo.world import World, simulate


def test_the_same_seed_gives_the_same_world_and_another_seed_another(village: World) -> None:
    assert simulate(7, people=60).events == village.events
    assert simulate(8, people=60).events != village.events


def test_fewer_people_leave_those_who_remain_unchanged(world: World, village: World) -> None:
    kept = {person.user_id for person in village.people}
    assert [event for event in world.events if event.user_id in kept] == list(village.events)


def test_two_thousand_people_make_sixty_to_a_hundred_and_ten_thousand_events(world: World) -> None:
    assert len(world.people) == 2000
    assert 60_000 <= len(world.events) <= 110_000
    assert all(-200 < event.day < 0 for event in world.events)
    assert all(0 <= event.day < 28 for event in world.future)


def test_event_numbers_are_unique_for_a_person(world: World) -> None:
    keys = [(event.user_id, event.number) for event in [*world.events, *world.future]]
    assert len(set(keys)) == len(keys)


def test_nobody_sees_an_item_before_it_is_published(world: World) -> None:
    published = {item.item_id: item.published_day for item in world.items}
    assert all(event.day >= published[event.item_id] for event in world.events if event.item_id)


def test_nobody_buys_the_same_item_twice(world: World) -> None:
    bought = [(event.user_id, event.item_id) for event in world.events if event.type == "purchase_completed"]
    assert len(set(bought)) == len(bought) > 5_000


def test_what_follows_a_purchase_comes_after_it(world: World) -> None:
    bought: dict[tuple[str, str | None], float] = {}
    for event in world.events:
        key = (event.user_id, event.item_id)
        if event.type == "purchase_completed":
            bought[key] = event.day
        elif event.type in ("content_completed", "purchase_refunded", "content_rated"):
            assert bought[key] <= event.day


def test_active_people_do_more_than_semi_active_and_those_more_than_inactive_ones(world: World) -> None:
    counts = Counter(event.user_id for event in world.events)
    medians = [
        float(np.median([counts[person.user_id] for person in world.people if person.activity == activity]))
        for activity in ACTIVITIES
    ]
    assert medians[0] > 2 * medians[1] > 4 * medians[2] > 0


def test_people_look_at_the_domains_that_they_care_for(world: World) -> None:
    domain_of = {item.item_id: DOMAINS.index(item.domain) for item in world.items}
    seen: defaultdict[str, np.ndarray] = defaultdict(lambda: np.zeros(len(DOMAINS)))
    for event in world.events:
        if event.type == "content_viewed" and event.item_id:
            seen[event.user_id][domain_of[event.item_id]] += 1
    busy = [person for person in world.people if seen[person.user_id].sum() >= 20]
    latent = np.concatenate([(person.interests_start + person.interests_end) / 2 for person in busy])
    found = np.concatenate([seen[person.user_id] / seen[person.user_id].sum() for person in busy])
    assert np.corrcoef(latent, found)[0, 1] > 0.85


def test_shares_of_consent_differ_by_purpose(world: World) -> None:
    asked = [person.consents for person in world.people if person.consents]
    granted = {purpose: sum(consents[purpose] for consents in asked) / len(asked) for purpose in PURPOSES}
    assert 1500 < len(asked) < 2000
    assert granted["personalisation"] > 0.85 > granted["marketing"] > granted["finance"] > granted["health"]
    assert granted["health"] > granted["partner_sharing"] > 0.05


def test_some_people_declare_nothing_but_locale_and_timezone(world: World) -> None:
    declared = Counter(len(person.facts) > 2 for person in world.people)
    assert 0.6 < declared[True] / 2000 < 0.8


def test_a_need_is_followed_by_offers_of_the_products_that_answer_it(world: World) -> None:
    parent = next(person for person in world.people[1:] if [need.kind for need in person.needs] == ["new_child"])
    offers = [e for e in [*world.events, *world.future] if e.user_id == parent.user_id and e.type == "offer_shown"]
    kinds = {offer.properties["product_kind"] for offer in offers}
    assert kinds == {"critical-illness", "term-life", "tuition-protection"}
    assert all(offer.day >= parent.needs[0].day for offer in offers)


def test_the_next_part_of_a_series_is_often_seen_soon_after_a_completion(world: World) -> None:
    sequel = {item.item_id: item.sequel for item in world.items if item.sequel}
    viewed: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for event in world.events:
        if event.type == "content_viewed" and event.item_id:
            viewed[event.user_id, event.item_id].append(event.day)
    completions = [e for e in world.events if e.type == "content_completed" and e.item_id in sequel and e.day < -60]
    active = {person.user_id for person in world.people if person.activity == "active"}
    followed = [
        any(event.day - 10 < day < event.day + 30 for day in viewed[event.user_id, str(sequel[str(event.item_id)])])
        for event in completions
        if event.user_id in active
    ]
    assert len(followed) > 100
    assert np.mean(followed) > 0.5
