"""Import of events against raw asyncpg COPY of the same rows, turn by turn, and live batches over HTTP.

Ours reads NDJSON over HTTP in one request, cleans it, refuses duplicates, adds to the features of people, and writes every
event down for publication; the other only copies finished rows into a table with the same primary key, in one statement.
`chunked_s` is the same import in the chunks of `kuajie import events`, while those before are already being published.

Budgets: import at least 0.1 of COPY, at least 5,000 events a second in batches. `KUAJIE_BENCH_EVENTS`
names a CSV with user_id, item_id, timestamp; without it 92,403 rows of the same shape are made up.
"""

import asyncio
import csv
import json
import os
import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp
import asyncpg

from bench.rig.meters import cpu_seconds, family
from bench.rig.service import Service, ready, running, signed, stores
from services.profile.cleaning import clean_lines
from services.profile.events import Event

ROUNDS = 3
ROWS = 92_403
CHUNK_ROWS = 20_000  # as `kuajie import events` sends them
BATCH = 500
BATCHES = 80
AT_ONCE = 4


def cpu(service: Service) -> float:
    """Processor seconds so far of the service, of PostgreSQL, and of this process."""
    engines = [pid for pid in family(os.getpid()) if _is_postgres(pid)]
    return sum(map(cpu_seconds, [service.pid, os.getpid(), *engines]))


def _is_postgres(pid: int) -> bool:
    return Path(f"/proc/{pid}/comm").read_text().startswith("postgres")


def rows() -> list[dict[str, Any]]:
    """What is imported."""
    given = os.environ.get("KUAJIE_BENCH_EVENTS")
    if given:
        with Path(given).open(newline="") as file:
            return [{"row": number, **row} for number, row in enumerate(csv.DictReader(file), 2)]
    rng = random.Random(0)
    times = sorted(rng.randrange(1_400_000_000, 1_510_000_000) for _ in range(ROWS))
    return [
        {
            "row": n + 2,
            "user_id": str(rng.randrange(24_000)),
            "item_id": str(rng.randrange(8_000)),
            "timestamp": str(at),
        }
        for n, at in enumerate(times)
    ]


def headers(tenant: str) -> dict[str, str]:
    return signed(tenant, "events:write", "export:read")


async def import_all(session: aiohttp.ClientSession, chunks: Sequence[bytes], tenant: str, expected: int) -> float:
    """Seconds to import all chunks, one after the other."""
    started, kept = time.perf_counter(), 0
    for chunk in chunks:
        async with session.post("/v1/events/import", data=chunk, headers=headers(tenant)) as answer:
            answer.raise_for_status()
            kept += (await answer.json())["kept"]
    taken = time.perf_counter() - started
    if kept != expected:
        raise RuntimeError(f"{kept} of {expected} events were kept")
    return taken


async def copy_all(connection: "asyncpg.Connection[Any]", events: Sequence[Event], tenant: str) -> float:
    """Seconds for asyncpg to copy the finished rows."""
    records = [event._replace(tenant_id=tenant) for event in events]
    started = time.perf_counter()
    await connection.copy_records_to_table("raw_events", records=records)
    return time.perf_counter() - started


async def send_batches(session: aiohttp.ClientSession) -> float:
    """Events a second in live batches, AT_ONCE at a time."""
    bodies = iter([batch_body(number) for number in range(BATCHES)])

    async def send() -> None:
        for body in bodies:
            sent = {**headers("batches"), "Content-Type": "application/json"}
            async with session.post("/v1/batch", data=body, headers=sent) as answer:
                accepted = (await answer.json())["accepted"]
                if accepted != BATCH:
                    raise RuntimeError(f"{accepted} of {BATCH} events were accepted")

    started = time.perf_counter()
    await asyncio.gather(*(send() for _ in range(AT_ONCE)))
    return BATCH * BATCHES / (time.perf_counter() - started)


def batch_body(number: int) -> bytes:
    rng = random.Random(number)
    now = datetime.now(UTC).isoformat()
    messages = [
        {
            "type": "track",
            "message_id": f"b{number}-{place}",
            "user_id": f"u{rng.randrange(20_000)}",
            "event": rng.choice(["content_viewed", "purchase_completed", "content_completed"]),
            "timestamp": now,
            "sent_at": now,
            "properties": {"item_id": f"i{rng.randrange(2_000)}", "value": "19.90", "currency": "CNY"},
        }
        for place in range(BATCH)
    ]
    return json.dumps({"batch": messages}).encode()


async def settled(session: aiohttp.ClientSession) -> float:
    """Wait until every event is on the stream; seconds."""
    started = time.perf_counter()
    while True:
        async with session.get("/v1/lag", headers=headers("x")) as answer:
            if answer.status == 200 and (await answer.json())["consumers"]["relay"] == 0:
                return time.perf_counter() - started
        await asyncio.sleep(0.1)


async def measure(service: Service, database: str) -> dict[str, object]:
    given = rows()
    lines = [json.dumps(row).encode() for row in given]
    chunks = [b"\n".join(lines[start : start + CHUNK_ROWS]) for start in range(0, len(lines), CHUNK_ROWS)]
    events = clean_lines(lines, tenant_id="raw", received_at=datetime.now(UTC)).events
    distinct = len({event.message_id for event in events})
    connection = await asyncpg.connect(database)
    await connection.execute("CREATE TABLE raw_events (LIKE events INCLUDING ALL)")
    unique = list({event.message_id: event for event in events}.values())
    turns: list[dict[str, float]] = []
    async with aiohttp.ClientSession(service.url) as session:
        await ready(session)
        for turn in range(ROUNDS):
            marks = [cpu(service)]
            copied = await copy_all(connection, unique, f"t{turn}")
            marks.append(cpu(service))
            imported = await import_all(session, [b"\n".join(lines)], f"one-{turn}", distinct)
            marks.append(cpu(service))
            spent = {"copy_cpu_s": marks[1] - marks[0], "import_cpu_s": marks[2] - marks[1]}
            published = await settled(session)
            chunked = await import_all(session, chunks, f"chunked-{turn}", distinct)
            await settled(session)
            times = {"copy_s": copied, "import_s": imported, "chunked_s": chunked, "published_after_s": published}
            turns.append({**times, **spent})
        await connection.close()
        before = cpu(service)
        rate = await send_batches(session)
        batch_cpu_us = (cpu(service) - before) / (BATCH * BATCHES) * 1e6
    middle = {name: round(median(turn[name] for turn in turns), 3) for name in turns[0]}
    return {
        "benchmark": "event_import",
        "events": distinct,
        **middle,
        "ratio": round(median(turn["copy_s"] / turn["import_s"] for turn in turns), 3),
        "cpu_ratio": round(median(turn["copy_cpu_s"] / turn["import_cpu_s"] for turn in turns), 3),
        "import_events_per_second": round(distinct / middle["import_s"]),
        "batch_events_per_second": round(rate),
        "batch_cpu_us_per_event": round(batch_cpu_us),
        "batch_size": BATCH,
        "rounds": ROUNDS,
    }


def main() -> None:
    with stores("profile") as on, running("profile", on) as service:
        print(json.dumps(asyncio.run(measure(service, on.asyncpg_url))))


if __name__ == "__main__":
    main()
