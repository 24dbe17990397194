"""Import of events against raw asyncpg COPY of the same rows, turn by turn, and live batches over HTTP.

Ours reads NDJSON over HTTP in one request, cleans it, refuses duplicates, adds to the features of people, and writes every
event down for publication; the other only copies finished rows into a table with the same primary key, in one statement.
`chunked_s` is the same import in the chunks of `kuajie import events`, while those before are already being published.

Budgets (DESIGN.md, section 6): import at least 0.1 of COPY, at least 5,000 events a second in batches. `KUAJIE_BENCH_EVENTS`
names a CSV with user_id, item_id, timestamp; without it 92,403 rows of the same shape are made up.
"""

import asyncio
import csv
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp
import asyncpg

from bench.rig.meters import cpu_seconds, family
from bench.rig.stack import data_folder, free_ports
from kuajie.databases import prepare, sqlalchemy_url
from kuajie.engines import PostgresEngine, RedisEngine
from services.kit.identity import Caller, Keyring
from services.profile.cleaning import clean_lines
from services.profile.events import Event

ROUNDS = 3
ROWS = 92_403
CHUNK_ROWS = 20_000  # as `kuajie import events` sends them
BATCH = 500
BATCHES = 80
AT_ONCE = 4
KEYS = "bench:0123456789abcdef0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Rig:
    """A profile service and its database."""

    url: str
    database: str
    service: int  # process id

    def cpu(self) -> float:
        """Processor seconds so far of the service, of PostgreSQL, and of this process."""
        engines = [pid for pid in family(os.getpid()) if _is_postgres(pid)]
        return sum(map(cpu_seconds, [self.service, os.getpid(), *engines]))


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


@contextmanager
def rig() -> Iterator[Rig]:
    """Engines as a laptop has them, and one process of the service in both its roles."""
    with data_folder() as folder:
        folder.mkdir(mode=0o755)
        with PostgresEngine(folder / "postgres") as server, RedisEngine(folder / "redis") as redis:
            url = sqlalchemy_url(server, "profile")
            prepare(server, {"profile": url}, ["profile"])
            port = free_ports()
            environment = {
                **os.environ,
                "KUAJIE_PROFILE_DATABASE_URL": url,
                "KUAJIE_REDIS_URL": redis,
                "KUAJIE_INTERNAL_KEYS": KEYS,
                "KUAJIE_ARTIFACTS_DIR": str(folder / "artifacts"),
                "KUAJIE_LOG_LEVEL": "error",
            }
            command = [sys.executable, "-m", "kuajie.serving", "profile", "--port", str(port)]
            with subprocess.Popen(command, env=environment) as process:
                try:
                    yield Rig(f"http://127.0.0.1:{port}", url.replace("+asyncpg", ""), process.pid)
                finally:
                    process.terminate()


@asynccontextmanager
async def client(base: Rig) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(base.url) as session:
        for _ in range(200):
            try:
                async with session.get("/readyz") as answer:
                    if answer.status == 200:
                        break
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)
        yield session


def headers(tenant: str) -> dict[str, str]:
    scopes = frozenset({"events:write", "export:read"})
    return {"Authorization": f"Bearer {Keyring(KEYS).sign(Caller(tenant, 'bench', 'server', scopes), lifetime_s=600)}"}


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


async def measure(base: Rig) -> dict[str, object]:
    given = rows()
    lines = [json.dumps(row).encode() for row in given]
    chunks = [b"\n".join(lines[start : start + CHUNK_ROWS]) for start in range(0, len(lines), CHUNK_ROWS)]
    events = clean_lines(lines, tenant_id="raw", received_at=datetime.now(UTC)).events
    distinct = len({event.message_id for event in events})
    connection = await asyncpg.connect(base.database)
    await connection.execute("CREATE TABLE raw_events (LIKE events INCLUDING ALL)")
    unique = list({event.message_id: event for event in events}.values())
    turns: list[dict[str, float]] = []
    async with client(base) as session:
        for turn in range(ROUNDS):
            marks = [base.cpu()]
            copied = await copy_all(connection, unique, f"t{turn}")
            marks.append(base.cpu())
            imported = await import_all(session, [b"\n".join(lines)], f"one-{turn}", distinct)
            marks.append(base.cpu())
            cpu = {"copy_cpu_s": marks[1] - marks[0], "import_cpu_s": marks[2] - marks[1]}
            published = await settled(session)
            chunked = await import_all(session, chunks, f"chunked-{turn}", distinct)
            await settled(session)
            times = {"copy_s": copied, "import_s": imported, "chunked_s": chunked, "published_after_s": published}
            turns.append({**times, **cpu})
        await connection.close()
        before = base.cpu()
        rate = await send_batches(session)
        batch_cpu_us = (base.cpu() - before) / (BATCH * BATCHES) * 1e6
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
    with rig() as base:
        print(json.dumps(asyncio.run(measure(base))))


if __name__ == "__main__":
    main()
