"""Memory of the whole stack at rest, the demo loaded and fitted, after a few hundred composed calls (budget: 1.5 GB)."""

import asyncio
import json
import sys

import aiohttp

import demo
from bench.rig.callers import closed_loop
from bench.rig.meters import family, memory
from bench.rig.stack import Running, data_folder, settle, stack

CALLS = 300
MIB = 2**20


async def use(running: Running) -> None:
    """Composed calls, so that caches and pools have what they keep."""
    question = json.loads(demo.EXAMPLE_CALL)
    async with aiohttp.ClientSession(headers=running.headers) as session:

        async def ask(number: int) -> None:
            body = {**question, "user_id": f"demo-user-{number + 1:04d}"}
            async with session.post(f"{running.url}/v1/recommend", json=body) as answer:
                answer.raise_for_status()
                await answer.read()

        await closed_loop(ask, requests=CALLS, at_once=4)


def measure(running: Running) -> dict[str, object]:
    """RSS counts shared pages once a process, PSS once altogether: the second is what the stack takes from the machine."""
    pids = running.pids()
    named = {name: family(pid) for name, pid in pids.items() if name != "supervisor"}
    named["supervisor"] = [pids["supervisor"]]
    sizes = {name: [memory(pid) for pid in members] for name, members in named.items()}
    resident = sum(rss for members in sizes.values() for rss, _ in members)
    proportional = {name: sum(pss for _, pss in members) for name, members in sizes.items()}
    return {
        "benchmark": "memory",
        "pss_mib": round(sum(proportional.values()) / MIB, 1),
        "rss_mib": round(resident / MIB, 1),
        "pss_mib_by_process": {name: round(size / MIB, 1) for name, size in sorted(proportional.items())},
        "processes": sum(map(len, named.values())),
    }


def main() -> None:
    with data_folder() as folder, stack(folder, demo=True) as running:
        asyncio.run(use(running))
        settle(5)
        sys.stdout.write(json.dumps(measure(running)) + "\n")


if __name__ == "__main__":
    main()
