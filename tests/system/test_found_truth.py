"""What the product found out about the demo's people, against what the simulator knows; every figure with its interval."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

import aiohttp
import numpy as np
import pytest
from numpy.typing import NDArray

from demo.catalogue import DOMAINS
from demo.people import ACTIVITIES
from demo.truth import PersonTruth, Truth
from demo.world import World
from kuajie.fitting import await_consumers
from kuajie.gateway import Gateway

Found = dict[str, dict[str, Any]]
Floats = NDArray[np.float64]
Figure = Callable[[str], None]
RESAMPLES = 500


def interval(values: int, measure: Callable[[NDArray[np.int64]], float]) -> tuple[float, float, float]:
    """`measure` of everybody, and its 95 % interval over bootstrap samples of `values` people (Efron 1979)."""
    rng = np.random.default_rng(0)
    resampled = [measure(rng.integers(0, values, values)) for _ in range(RESAMPLES)]
    low, high = np.quantile(resampled, (0.025, 0.975))
    return measure(np.arange(values)), float(low), float(high)


def auc(score: Floats, positive: NDArray[np.bool_]) -> float:
    """Share of pairs in the right order, ties half (Mann and Whitney 1947)."""
    order = np.argsort(score, kind="stable")
    ordered = score[order]
    first = np.searchsorted(ordered, score, side="left")
    last = np.searchsorted(ordered, score, side="right")
    rank = (first + last + 1) / 2
    ones = int(positive.sum())
    return float((rank[positive].sum() - ones * (ones + 1) / 2) / (ones * (len(score) - ones)))


async def ask_all(running: Any, calls: Sequence[tuple[str, str, dict[str, Any] | None]]) -> list[dict[str, Any]]:
    """Answers to (method, path, body), eight at a time."""
    slots = asyncio.Semaphore(8)
    async with aiohttp.ClientSession(running.url, headers=running.headers) as session:

        async def ask(method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
            async with slots, session.request(method, path, json=body) as answer:
                assert answer.status == 200, await answer.text()
                document: dict[str, Any] = await answer.json()
                return document

        return await asyncio.gather(*(ask(*call) for call in calls))


@pytest.fixture(scope="module")
def snapshots(stack: Any, truth: Truth) -> Found:
    calls = [("GET", f"/v1/people/{user_id}/profile", None) for user_id in truth.people]
    return dict(zip(truth.people, asyncio.run(ask_all(stack, calls)), strict=True))


@pytest.fixture(scope="module")
def followed(truth: Truth, world: World) -> dict[str, PersonTruth]:
    """People who come back in the four weeks after the load and may be known by their past."""
    asked = {person.user_id: person.consents.get("personalisation", True) for person in world.people}
    coming = {who: person for who, person in truth.people.items() if person.next_seen and asked[who]}
    return dict(list(coming.items())[:800])


@pytest.fixture(scope="module")
def lists(stack: Any, followed: dict[str, PersonTruth]) -> dict[str, list[str]]:
    calls = [("POST", "/v1/recommend", content_of(who)) for who in followed]
    answers = asyncio.run(ask_all(stack, calls))
    return {who: [item["item_id"] for item in answer["content"]] for who, answer in zip(followed, answers, strict=True)}


@pytest.fixture(scope="module")
def popular(stack: Any, followed: dict[str, PersonTruth]) -> dict[str, list[str]]:
    """The ten most popular items that each person does not own: what a platform without us would show."""
    answer = asyncio.run(ask_all(stack, [("GET", "/v1/popular?limit=100", None)]))[0]
    ranked = [item["item_id"] for item in answer["data"]]
    return {who: [item for item in ranked if item not in person.owned][:10] for who, person in followed.items()}


def test_segments_agree_with_the_hidden_activity(snapshots: Found, truth: Truth, figure: Figure) -> None:
    hidden = np.array([ACTIVITIES.index(person.activity) for person in truth.people.values()])
    found = np.array([_segment(snapshots[who]["segment"]) for who in truth.people])

    def macro_accuracy(sample: NDArray[np.int64]) -> float:
        right, of = (found == hidden)[sample], hidden[sample]
        return float(np.mean([right[of == group].mean() for group in range(3)]))

    value, low, high = interval(len(hidden), macro_accuracy)
    figure(f"segments against activity: macro accuracy {value:.3f} ({low:.3f} to {high:.3f}), chance .333")
    assert low > 0.70


def _segment(name: str | None) -> int:
    """Nobody is without a segment but those who never did anything: the inactive, in the truth's words."""
    return ACTIVITIES.index(name) if name is not None else 2  # type: ignore[arg-type]


@pytest.mark.parametrize("domain", DOMAINS)
def test_shares_of_interest_find_the_latent_interest(
    snapshots: Found, truth: Truth, domain: str, figure: Figure
) -> None:
    people = [who for who in truth.people if snapshots[who]["interests"]]
    latent = np.array([truth.people[who].interests[domain] for who in people])
    found = np.array([snapshots[who]["interests"].get(domain, 0.0) for who in people])
    strong = latent >= 0.25
    value, low, high = interval(len(people), lambda sample: auc(found[sample], strong[sample]))
    figure(f"interest in {domain}: AUC {value:.3f} ({low:.3f} to {high:.3f})")
    assert low > 0.80


@pytest.mark.parametrize("domain", DOMAINS)
def test_who_likes_a_domain_by_its_trait_cares_more_for_it(
    snapshots: Found, truth: Truth, domain: str, figure: Figure
) -> None:
    people = [who for who in truth.people if f"likes_{domain}" in snapshots[who]["traits"]]
    latent = np.array([truth.people[who].interests[domain] for who in people])
    likes = np.array([snapshots[who]["traits"][f"likes_{domain}"] for who in people])

    def difference(sample: NDArray[np.int64]) -> float:
        chosen = likes[sample]
        return float(latent[sample][chosen].mean() - latent[sample][~chosen].mean())

    value, low, high = interval(len(people), difference)
    figure(f"likes_{domain}: latent share higher by {value:.3f} ({low:.3f} to {high:.3f})")
    assert 0.05 < likes.mean() < 0.6
    assert low > 0.10


def test_recommendations_hit_what_people_do_next_more_often_than_popularity(
    followed: dict[str, PersonTruth], lists: dict[str, list[str]], popular: dict[str, list[str]], figure: Figure
) -> None:
    def hits(shown: dict[str, list[str]]) -> Floats:
        return np.array([bool(person.next_seen & set(shown[who])) for who, person in followed.items()], dtype=float)

    ours, theirs = hits(lists), hits(popular)
    value, low, high = interval(len(ours), lambda sample: float((ours - theirs)[sample].mean()))
    figure(
        f"hit rate at 10: {ours.mean():.3f} against {theirs.mean():.3f}, ahead by {value:.3f} ({low:.3f} to {high:.3f})"
    )
    assert low > 0


def test_recommendations_are_nearer_to_latent_interests_than_popularity(
    followed: dict[str, PersonTruth],
    lists: dict[str, list[str]],
    popular: dict[str, list[str]],
    world: World,
    figure: Figure,
) -> None:
    domain_of = {item.item_id: item.domain for item in world.items}

    def nearness(shown: dict[str, list[str]]) -> Floats:
        shares = ([person.interests[domain_of[item]] for item in shown[who]] for who, person in followed.items())
        return np.array([float(np.mean(each)) for each in shares])

    ours, theirs = nearness(lists), nearness(popular)
    _, low, high = interval(len(ours), lambda sample: float((ours - theirs)[sample].mean()))
    figure(f"latent share of what is shown: {ours.mean():.3f} against {theirs.mean():.3f}, ({low:.3f} to {high:.3f})")
    assert low > 0.05


def test_who_finished_one_part_of_a_series_is_offered_the_next(stack: Any, world: World, figure: Figure) -> None:
    out = {item.item_id for item in world.items if item.published_day < -60}
    parts = {item.item_id: item.sequel for item in world.items if item.sequel in out}
    readers = {f"test-reader-of-{part}": part for part in parts}
    events = [
        {
            "type": "track",
            "message_id": f"{who}-{uuid4().hex}",
            "user_id": who,
            "event": "content_completed",
            "properties": {"item_id": part},
        }
        for who, part in readers.items()
    ]
    asyncio.run(ask_all(stack, [("POST", "/v1/batch", {"batch": events})]))
    await_consumers(Gateway(stack.url, stack.api_key), wait=60)
    answers = asyncio.run(ask_all(stack, [("POST", "/v1/recommend", content_of(who)) for who in readers]))
    shown = [{item["item_id"] for item in answer["content"]} for answer in answers]
    offered = np.array([parts[part] in each for part, each in zip(readers.values(), shown, strict=True)], dtype=float)
    by_chance = float(np.mean([parts[part] in each for part in readers.values() for each in shown]))
    value, low, high = interval(len(offered), lambda sample: float(offered[sample].mean()))
    figure(
        f"next part offered to {value:.3f} of those who finished one ({low:.3f} to {high:.3f}), to {by_chance:.3f} of all"
    )
    assert low > 0.2
    assert by_chance < 0.02


def content_of(user_id: str) -> dict[str, Any]:
    return {"user_id": user_id, "sections": ["content"]}
