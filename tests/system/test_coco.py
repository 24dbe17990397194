"""Real courses and real people: import, fit, and the composed call for them."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

COCO = Path(__file__).resolve().parents[3] / "shared" / "data" / "coco"
CALLS = 200

pytestmark = [
    pytest.mark.slow,
    pytest.mark.shared,
    pytest.mark.skipif(not COCO.is_dir(), reason="the coco data are not here"),
]


def test_a_platform_of_real_people_from_its_files_to_the_composed_call(
    start_stack: Callable[..., Any], figure: Callable[[str], None]
) -> None:
    def timed(what: str, work: Callable[[], Any]) -> Any:
        begun = time.monotonic()
        result = work()
        figure(f"{what}: {time.monotonic() - begun:.1f} s")
        return result

    with start_stack() as running:
        items = timed("import items", lambda: running.kuajie("import", "items", str(COCO / "items.csv")))
        assert (items["read"], items["rejected"]) == (8_196, 0)
        events = timed("import events", lambda: running.kuajie("import", "events", str(COCO / "train.csv")))
        assert (events["read"], events["rejected"]) == (92_403, 0)
        again = timed("import events again", lambda: running.kuajie("import", "events", str(COCO / "train.csv")))
        assert again["kept"] == 0
        timed("fit all", lambda: running.kuajie("fit", "all"))
        people = first_people(CALLS)
        with httpx.Client(base_url=running.url, headers=running.headers, timeout=30) as client:
            taken = timed(f"{CALLS} composed calls", lambda: [composed(client, user_id) for user_id in people])
    figure(f"composed call: p50 {np.quantile(taken, 0.5) * 1000:.1f} ms, p99 {np.quantile(taken, 0.99) * 1000:.1f} ms")


def first_people(count: int) -> list[str]:
    """The first people of train.csv, who so have a past."""
    people: dict[str, None] = {}
    with (COCO / "train.csv").open(encoding="utf-8") as file:
        next(file)
        for line in file:
            people[line.split(",", 1)[0]] = None
            if len(people) == count:
                break
    return list(people)


def composed(client: httpx.Client, user_id: str) -> float:
    """Seconds for one call, which must be whole and personal."""
    body = {"user_id": user_id, "message": "I want to learn photography", "locale": "en"}
    begun = time.monotonic()
    answer = client.post("/v1/recommend", json=body)
    taken = time.monotonic() - begun
    assert answer.status_code == 200
    assert {report["status"] for report in answer.json()["sections"].values()} == {"ok"}
    assert len(answer.json()["content"]) == 10
    assert answer.json()["profile"]["segment"] is not None
    return taken
