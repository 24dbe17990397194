"""Recommendations for one person at a time, by the service with 100,000 people and 8,000 items in its database.

Budget: at most 5 ms p99 in the service. The database is filled by COPY with made-up interactions
(five a person on average, a few people with hundreds); the model has made-up matrices as dense as those fitted on 92,403
real enrolments (see DENSITY), so that scoring costs what it costs in life. One caller at a time, then half of what eight
callers at once can get.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import asyncpg
import numpy as np
import orjson
import uvloop

from bench.rig.callers import Call, closed_loop, open_loop
from bench.rig.meters import cpu_seconds
from bench.rig.service import Service, ready, running, signed, stores
from services.kit.artifacts import publish_artifact
from services.recommend.blend import Blend, Term
from services.recommend.model import KIND, RecommendModel
from services.recommend.neighbours import Neighbours

PEOPLE, ITEMS, INTERACTIONS, CATEGORIES = 100_000, 8_000, 500_000, 140
REQUESTS = 4_000
NOW = datetime(2026, 6, 1, tzinfo=UTC)
DENSITY = {"ease": 137, "knn": 44, "markov": 22, "text": 81}
TERMS = (
    Term("ease", "ease", "ease", "recent", 0.44, 0.0077),
    Term("knn", "knn", "knn", "recent", 0.65, 0.0059),
    Term("markov_last", "markov", "markov", "last", 0.32, 0.0061),
    Term("markov_recent", "markov", "markov", "recent", 0.45, 0.0101),
    Term("text", "text", "text", "recent", 0.73, 0.2585),
    Term("category", "category", "category", "taste", 0.87, 0.0161),
)


def item_ids() -> list[str]:
    return [f"i{n}" for n in range(ITEMS)]


def domain(item: int) -> str:
    return f"c{item % CATEGORIES}"


def model(rng: np.random.Generator) -> RecommendModel:
    """Random rows of the fitted densities; every item in one category."""
    of_category = [np.arange(c, ITEMS, CATEGORIES) for c in range(CATEGORIES)]
    return RecommendModel(
        item_ids=tuple(item_ids()),
        categories=tuple(f"c{c}" for c in range(CATEGORIES)),
        blend=Blend(TERMS, 180.0, 100, 4.3, 0.64, 0.0, 1e12),
        matrices={
            **{name: random_rows(rng, width) for name, width in DENSITY.items()},
            "category": Neighbours(
                np.cumsum([0, *map(len, of_category)]),
                np.concatenate(of_category).astype(np.int32),
                np.ones(ITEMS, np.float32),
                ITEMS,
            ),
        },
        item_categories=Neighbours(
            np.arange(ITEMS + 1),
            (np.arange(ITEMS) % CATEGORIES).astype(np.int32),
            np.ones(ITEMS, np.float32),
            CATEGORIES,
        ),
        prior=rng.random((1, ITEMS)).astype(np.float32),
        popularity=rng.random(ITEMS).astype(np.float32),
        metadata={"made_up": True},
    )


def random_rows(rng: np.random.Generator, width: int) -> Neighbours:
    indices = rng.integers(0, ITEMS, ITEMS * width, dtype=np.int32)
    values = rng.random(ITEMS * width).astype(np.float16) * np.float16(0.05)
    return Neighbours(np.arange(ITEMS + 1) * width, indices, values, ITEMS)


async def fill(url: str, rng: np.random.Generator) -> None:
    """Rows by COPY, as the consumer would have left them."""
    connection = await asyncpg.connect(url)
    catalogue = [("default", f"i{n}", json.dumps({"und": f"Course {n}"}), [domain(n)], "active") for n in range(ITEMS)]
    columns = ["tenant_id", "item_id", "title", "categories", "status"]
    await connection.copy_records_to_table("items", records=catalogue, columns=columns)
    activity = rng.pareto(1.5, PEOPLE) + 0.5
    who = rng.choice(PEOPLE, INTERACTIONS, p=activity / activity.sum())
    what = (ITEMS * rng.random(INTERACTIONS) ** 2).astype(int)
    ages = rng.integers(0, 180 * 86_400, INTERACTIONS)
    records = (
        ("default", f"e{n}", f"u{who[n]}", f"i{what[n]}", "purchase_completed", NOW - timedelta(seconds=int(ages[n])))
        for n in range(INTERACTIONS)
    )
    columns = ["tenant_id", "event_id", "user_id", "item_id", "type", "occurred_at"]
    await connection.copy_records_to_table("interactions", records=records, columns=columns)
    counts = [("default", f"i{n}", float(heat)) for n, heat in enumerate(rng.pareto(1.2, ITEMS))]
    await connection.copy_records_to_table("item_counts", records=counts, columns=["tenant_id", "item_id", "heat"])
    await connection.execute("VACUUM ANALYZE")
    await connection.execute("CHECKPOINT")  # else it comes while we measure
    await connection.close()


@contextmanager
def filled() -> Iterator[Service]:
    """The service on a filled database with a published model."""
    rng = np.random.default_rng(0)
    with stores("recommend") as on:
        asyncio.run(fill(on.asyncpg_url, rng))
        publish_artifact(on.artifacts, "default", KIND, model(rng).save, {})
        with running("recommend", on, {"KUAJIE_DEFAULT_DEADLINE_MS": "5000"}) as service:
            yield service


@asynccontextmanager
async def caller(service: Service) -> AsyncIterator[tuple[aiohttp.ClientSession, Call]]:
    """A session, and the call of one person's content; every answer is checked."""
    headers = {**signed("default", "recommend:read"), "Content-Type": "application/json"}
    person = {"known": True, "interests": {"c1": 0.4, "c2": 0.2}, "consents": {"personalisation": True}}
    async with aiohttp.ClientSession(service.url, headers=headers) as session:
        await ready(session)

        async def ask(number: int) -> None:
            user_id = f"u{number * 7_919 % PEOPLE}"
            body = orjson.dumps({"user_id": user_id, "person": person, "limit": 10, "surface": "home"})
            async with session.post("/v1/content", data=body) as answer:
                document = orjson.loads(await answer.read())
                if answer.status != 200 or len(document["items"]) != 10 or document["model_version"] is None:
                    raise RuntimeError(f"{answer.status} {document}")

        yield session, ask


async def within_5_ms(session: aiohttp.ClientSession) -> tuple[float, float]:
    """How many answers the service says took at most 5 ms, and how many there were."""
    counts = {}
    async with session.get("/metrics") as answer:
        for line in (await answer.text()).splitlines():
            if line.startswith("kuajie_http_request_duration_seconds_bucket") and 'route="/v1/content"' in line:
                counts[line.split('le="')[1].split('"')[0]] = float(line.rsplit(" ", 1)[1])
    return counts["0.005"], counts["+Inf"]


async def measure(service: Service) -> dict[str, Any]:
    async with caller(service) as (session, ask):
        await closed_loop(ask, requests=500, at_once=4)
        before, cpu = await within_5_ms(session), cpu_seconds(service.pid)
        alone = await closed_loop(ask, requests=REQUESTS, at_once=1)
        after, cpu = await within_5_ms(session), cpu_seconds(service.pid) - cpu
        most = await closed_loop(ask, requests=REQUESTS, at_once=8)
        half = await open_loop(ask, requests=REQUESTS, rate=most.rate / 2)
    return {
        "benchmark": "recommend_service",
        "people": PEOPLE,
        "items": ITEMS,
        "interactions": INTERACTIONS,
        "p50_ms": round(alone.quantile_ms(0.50), 2),
        "p99_ms": round(alone.quantile_ms(0.99), 2),
        "in_service_share_within_5_ms": round((after[0] - before[0]) / (after[1] - before[1]), 4),
        "cpu_ms_a_request": round(cpu / REQUESTS * 1000, 3),
        "requests_per_second": round(most.rate, 1),
        "half_load_p50_ms": round(half.quantile_ms(0.50), 2),
        "half_load_p99_ms": round(half.quantile_ms(0.99), 2),
        "load_average": os.getloadavg()[0],
    }


def main() -> None:
    started = time.perf_counter()
    with filled() as service:
        sys.stderr.write(f"filled in {time.perf_counter() - started:.1f} s\n")
        sys.stdout.write(json.dumps(uvloop.run(measure(service))) + "\n")


if __name__ == "__main__":
    main()
