"""Whether memory comes back when versions of the model come and go: resident size over many swaps of the shipped model.

    python -m bench.model_cycles [--cycles 20]

Each cycle loads a second version, answers with it, and lets the first go, as promotions do. Prints one JSON line: the resident
size with one version, the most while two were held, and with one again after the last cycle.
"""

import argparse
import asyncio
import json
import os
import shutil
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr

from services.intent.serving.agreement import Tally
from services.intent.serving.desired import Desired, Wish
from services.intent.serving.engine import Engine
from services.intent.serving.library import Installed
from services.intent.serving.metrics import RegistryMetrics
from services.intent.serving.opening import Sizes
from services.intent.serving.registry import Registry
from services.intent.serving.waiting import Limits, Priority
from services.intent.settings import IntentSettings
from services.intent.trained.package import newest_shipped, published_folder
from services.kit.artifacts import Manifest
from services.kit.settings import SharedSettings
from services.kit.telemetry import configure_logging

MIB = 1024 * 1024
TEXTS = [f"第{number}次问：重疾险多少钱，how much is it?" for number in range(64)]


def resident() -> float:
    """Of this process, in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MIB


def publish_twice(artifacts: Path) -> None:
    """The shipped model under two names."""
    shipped = newest_shipped()
    if shipped is None:
        raise SystemExit("no model came with this installation")
    for version in ("one", "two"):
        folder = published_folder(artifacts) / version
        shutil.copytree(shipped, folder)
        manifest = Manifest.model_validate_json((folder / "manifest.json").read_bytes())
        (folder / "manifest.json").write_text(manifest.model_copy(update={"version": version}).model_dump_json())


async def until_alone(registry: Registry) -> None:
    """The version before has gone."""
    while any(standing.state == "retiring" for standing in registry.standings().values()):  # noqa: ASYNC110  it waits alone
        await asyncio.sleep(0.01)


async def cycles(artifacts: Path, wanted: int) -> dict[str, object]:
    shared = SharedSettings(internal_keys=SecretStr("bench:" + "0" * 32), artifacts_dir=artifacts)
    settings = IntentSettings(database_url=SecretStr("postgresql+asyncpg://none"), shared=shared)
    engine = Engine(cache_answers=0)
    sizes = Sizes(Limits(), encoders=2, runners=1, drain_s=10.0)
    at_rest, most, seconds = [], 0.0, []
    async with Registry(engine, Installed(settings), RegistryMetrics(Tally()), sizes) as registry:
        for cycle in range(wanted + 1):
            version = ("one", "two")[cycle % 2]
            begun = time.perf_counter()
            await registry.towards(Desired({version: Wish("serving", datetime.now(UTC), "bench")}))
            seconds.append(time.perf_counter() - begun)
            most = max(most, resident())
            for _ in range(5):
                await engine.understand(TEXTS, tenant="t", expires=float("inf"), priority=Priority.BULK)
            await until_alone(registry)
            at_rest.append(resident())
    return {
        "bench": "model_cycles",
        "cycles": wanted,
        "mib_with_one_version_at_first": round(at_rest[0]),
        "mib_at_most_with_two": round(most),
        "mib_with_one_version_at_last": round(at_rest[-1]),
        "mib_a_cycle_over_the_second_half": round(statistics.mean(slopes(at_rest[len(at_rest) // 2 :])), 2),
        "seconds_a_swap": round(statistics.median(seconds[1:]), 2),
    }


def slopes(sizes: list[float]) -> list[float]:
    """From each to the one after next, halved: the same version both times."""
    return [(later - earlier) / 2 for earlier, later in zip(sizes, sizes[2:], strict=False)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=20)
    wanted = parser.parse_args().cycles
    configure_logging("error")
    with tempfile.TemporaryDirectory(prefix="kuajie-bench-") as folder:
        publish_twice(Path(folder))
        print(json.dumps(asyncio.run(cycles(Path(folder), wanted))))


if __name__ == "__main__":
    main()
