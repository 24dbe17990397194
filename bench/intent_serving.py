"""The intent service against the limit of its model file, and against LitServe and Mosec with the same file, turn by turn.

Each server is kept to one core with one compute thread, the callers to another; the limit is `session.run` on that same core, with
texts that were tokenised before and batches of the best size. `limit_as_opened` is the same in the form in which ours opens the file
(`services.intent.trained.norms`). In a round everybody gets the same texts, as single requests and 64 to
a request. Peers do less a text (no calibration, topics, keys, deadlines) and have their own dynamic batching, at the size and the
wait that served each of them best in a sweep. Budget: at least .9 of the limit at saturation and ahead of both peers; a single text
at most 1.5 ms over the limit, beside what the least that could answer takes; at twice the saturation p99 within the deadline, refusals
in at most 5 ms, beside what the least that could refuse takes on that core. `--peers` adds the peers, in an environment of theirs.
"""

import argparse
import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import uvloop

from bench.rig.batching import Peer, best
from bench.rig.callers import Measured, together
from bench.rig.overload import flood, overload
from bench.rig.servers import Limit, Server, least, limit, litserve, mosec, ours, stores
from bench.rig.sides import ALONE, COUNT, KINDS, Side, side, texts
from services.intent.trained.norms import open_suited
from services.intent.trained.package import MODEL, newest_shipped


async def compare(
    raw: Limit, opened: Limit, servers: Sequence[Server], asked: Sequence[str], rounds: int
) -> dict[str, Any]:
    async with contexts(servers, asked) as sides:
        gathering = [each for each in sides if each.server.gathers]
        whole: list[dict[str, float]] = []
        as_opened: list[dict[str, float]] = []
        alone: list[float] = []
        alone_as_opened: list[float] = []
        for each in sides:
            each.server.signal(signal.SIGSTOP)
        for number in range(rounds):
            sys.stderr.write(f"round {number + 1} of {rounds}\n")
            for kind in KINDS:
                whole.append(await asyncio.to_thread(raw.batched))
                as_opened.append(await asyncio.to_thread(opened.batched))
                for each in gathering:
                    with each.at_work():
                        await each.saturate(kind)
            alone += await asyncio.to_thread(raw.single, ALONE)
            alone_as_opened += await asyncio.to_thread(opened.single, ALONE)
            for each in sides:
                with each.at_work():
                    await each.one_by_one()
        for each in sides:
            each.server.signal(signal.SIGCONT)
    base = Measured(alone, sum(alone))
    found = {each.server.name: throughput(each, whole, "of_limit") | alone_figures(each, base) for each in gathering}
    for kind, shares in throughput(gathering[0], as_opened, "of_limit_as_opened").items():
        found[gathering[0].server.name][kind] |= shares
    return {
        "limit": limit_figures(raw, whole, base),
        "limit_as_opened": limit_figures(opened, as_opened, Measured(alone_as_opened, sum(alone_as_opened))),
        **found,
        **{each.server.name: alone_figures(each, base) for each in sides if each not in gathering},
    }


def limit_figures(limit: Limit, whole: Sequence[dict[str, float]], alone: Measured) -> dict[str, float]:
    return {
        "texts_per_second": round(COUNT / median(each["seconds"] for each in whole), 1),
        "cpu_ms_a_text": round(median(each["cpu"] for each in whole) / COUNT * 1000, 3),
        "batch_tokens": limit.size,
        "alone_p50_ms": round(alone.quantile_ms(0.5), 2),
        "alone_p99_ms": round(alone.quantile_ms(0.99), 2),
    }


async def crowd(server: Server, asked: Sequence[str], log: Path, rate: float) -> dict[str, Any]:
    """Twice of what it can do, on a server that is warm and has nothing else to do."""
    async with side(server, asked):
        return await overload(server, asked, log, rate=rate)


@asynccontextmanager
async def contexts(servers: Sequence[Server], asked: Sequence[str]) -> AsyncIterator[list[Side]]:
    if not servers:
        yield []
        return
    async with side(servers[0], asked) as first, contexts(servers[1:], asked) as others:
        yield [first, *others]


def throughput(each: Side, whole: Sequence[dict[str, float]], share: str) -> dict[str, Any]:
    """As a share of a limit, by the clock and by processor time; `share` is what it is called."""
    found: dict[str, Any] = {}
    for offset, kind in enumerate(KINDS):
        limits = whole[offset :: len(KINDS)]
        shares = [one["seconds"] / mine for one, mine in zip(limits, each.seconds[kind], strict=True)]
        spent = [one["cpu"] / mine for one, mine in zip(limits, each.cpu[kind], strict=True)]
        found[kind] = {
            "texts_per_second": round(COUNT / median(each.seconds[kind]), 1),
            share: round(median(shares), 3),
            f"{share}_by_cpu": round(median(spent), 3),
            "cpu_ms_a_text": round(median(each.cpu[kind]) / COUNT * 1000, 3),
        }
    return found


def alone_figures(each: Side, base: Measured) -> dict[str, float]:
    """A single text's time, and how much of it is over the limit's."""
    found: dict[str, float] = {}
    mine = together(each.alone)
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        found[f"alone_{name}_ms"] = round(mine.quantile_ms(share), 2)
        found[f"alone_{name}_over_limit_ms"] = round(mine.quantile_ms(share) - base.quantile_ms(share), 2)
    return found


def ahead() -> int:
    """All of this before other work of the machine, where that is allowed: the niceness.

    Linux weighs sessions against each other first (autogroups), and processes inside them.
    """
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text("-10", encoding="ascii")
    try:
        return os.nice(-10)
    except PermissionError:
        return os.nice(0)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.intent_serving")
    parser.add_argument("--peers", action="store_true", help="LitServe and Mosec beside ours")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--model", type=Path, default=newest_shipped())
    chosen = parser.parse_args()
    niceness = ahead()
    cores = sorted(os.sched_getaffinity(0))
    core, callers = (cores[0], cores[1]) if len(cores) > 1 else (None, None)
    with stores() as settings, tempfile.TemporaryDirectory() as folder:
        if callers is not None:
            os.sched_setaffinity(0, {callers})
        bench = Bench(chosen.model, texts(), Path(folder), settings, core)
        found = bench.compared(chosen.rounds, peers=chosen.peers)
        found["overload"] = bench.flooded(rate=2 * found["ours"]["single"]["texts_per_second"])
    known = {"benchmark": "intent_serving", "model": chosen.model.name, "texts": COUNT, "rounds": chosen.rounds}
    pinned = {
        "server_cores": 1 if core is not None else "shared",
        "niceness": niceness,
        "load_average": os.getloadavg()[0],
    }
    sys.stdout.write(json.dumps({**known, **pinned, **found}) + "\n")


@dataclass(frozen=True, slots=True)
class Bench:
    """`core` is where servers are kept to (None: to none)."""

    model: Path
    asked: Sequence[str]
    folder: Path
    settings: Mapping[str, str]
    core: int | None

    @property
    def file(self) -> Path:
        """The texts, for processes that read them."""
        file = self.folder / "texts.json"
        file.write_text(json.dumps(self.asked), encoding="utf-8")
        return file

    def as_opened(self) -> Path:
        """A folder with the model in the form in which ours opens it."""
        folder = self.folder / self.model.name
        shutil.copytree(self.model, folder, ignore=shutil.ignore_patterns(MODEL))
        open_suited(self.model / MODEL, lambda file, _: shutil.copyfile(file, folder / MODEL))
        return folder

    def compared(self, rounds: int, *, peers: bool) -> dict[str, Any]:
        """The limit, ours and the peers, all of them up at a time and measured in turns."""
        with ExitStack() as stack:
            raw = stack.enter_context(limit(self.model, self.file, self.core))
            opened = stack.enter_context(limit(self.as_opened(), self.file, self.core))
            tuned = {name: (peer, best(peer, self.asked)) for name, peer in self._peers(raw.size).items() if peers}
            servers = [stack.enter_context(ours(self.model, self.core, self.settings))]
            servers.append(stack.enter_context(least("answers", self.model, self.file, self.core)))
            servers += [stack.enter_context(peer(batching)) for peer, batching in tuned.values()]
            found = uvloop.run(compare(raw, opened, servers, self.asked, rounds))
        for name, (_, batching) in tuned.items():
            found[name] |= asdict(batching)
        return found

    def _peers(self, budget: int) -> dict[str, Peer]:
        return {
            "litserve": lambda each: litserve(self.model, self.core, **asdict(each), budget=budget),
            "mosec": lambda each: mosec(self.model, self.core, **asdict(each), budget=budget),
        }

    def flooded(self, rate: float) -> dict[str, Any]:
        """More than ours can do, and as much for the least that could refuse it."""
        log = self.folder / "log"
        with log.open("w") as file, ours(self.model, self.core, self.settings, log=file) as server:
            found = uvloop.run(crowd(server, self.asked, log, rate))
        with least("refuses", self.model, self.file, self.core) as server:
            return found | {"limit_of_refusals": uvloop.run(flood(server, self.asked, rate=rate))["status_200"]}


if __name__ == "__main__":
    main()
