"""Memory of the intent service over 100,000 texts of mixed lengths: flat after a tenth of them, or it leaks.

Texts are cut and joined from the training data, so that most are short, some fill the model's window and no two are alike; 64 to a
request, three requests at a time, the response cache on: it is full after 10,000 and stays so.
"""

import csv
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import uvloop

from bench.rig.callers import closed_loop
from bench.rig.meters import memory
from bench.rig.servers import Server, ours, stores
from bench.rig.wire import Wire, awake
from services.intent.trained.package import newest_shipped

DATA = Path(__file__).resolve().parents[1] / "training" / "intent" / "data" / "train_1.csv"
COUNT, MANY = 100_000, 64
SHARES = (0.01, 0.1, 0.25, 0.5, 0.75, 1.0)
MIB = 2**20


def texts() -> Iterator[str]:
    """Endless; half of them pieces of a few characters, a tenth several texts in a row, each with a number of its own."""
    with DATA.open(encoding="utf-8", newline="") as file:
        found = sorted({row["text"] for row in csv.DictReader(file)})
    draw = random.Random(0)
    for number in range(2**31):
        kind = draw.random()
        text = draw.choice(found)
        if kind < 0.5:
            text = text[: draw.randint(2, 8)]
        elif kind > 0.9:
            text = " ".join(draw.choices(found, k=draw.randint(2, 8)))
        yield f"{text} {number}"[:2000]


async def measure(server: Server) -> dict[str, Any]:
    source, seen, done = texts(), {}, 0
    async with Wire(server) as wire:

        async def ask(_: int) -> None:
            answer = await wire.ask(wire.request(orjson.dumps({"texts": [next(source) for _ in range(MANY)]})))
            if answer.status != 200 or len(orjson.loads(answer.body)["results"]) != MANY:
                raise RuntimeError(f"status {answer.status} after {done * MANY} texts and more: {answer.body[:300]!r}")

        await awake(wire)
        for share in SHARES:
            requests = int(share * COUNT / MANY) - done
            await closed_loop(ask, requests=requests, at_once=3)
            done += requests
            seen[f"rss_mib_at_{share * 100:g}_percent"] = round(memory(server.pid)[0] / MIB, 1)
            sys.stderr.write(f"{done * MANY} texts: {seen}\n")
    return {"benchmark": "intent_memory", "texts": done * MANY, **seen}


def main() -> None:
    model = newest_shipped()
    assert model is not None
    with stores() as settings, ours(model, None, {**settings, "KUAJIE_INTENT_CACHE_ANSWERS": "10000"}) as server:
        sys.stdout.write(json.dumps({"model": model.name, **uvloop.run(measure(server))}) + "\n")


if __name__ == "__main__":
    main()
