"""How a peer should gather requests: tried before it is compared, so that it meets ours at its own best."""

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import product, starmap

import uvloop

from bench.rig.servers import Server
from bench.rig.sides import KINDS, side

BATCHES = (16, 64, 128)
WAITS_MS = (1, 5)


@dataclass(frozen=True, slots=True)
class Batching:
    """At most `batch` requests at a time, for which the first waits at most `wait_ms`."""

    batch: int
    wait_ms: int


Peer = Callable[[Batching], AbstractContextManager[Server]]


def best(peer: Peer, asked: Sequence[str]) -> Batching:
    """The least seconds for all texts once one at a time and once in requests of many."""
    paces = {each: pace(peer, each, asked) for each in starmap(Batching, product(BATCHES, WAITS_MS))}
    return min(paces, key=lambda each: paces[each])


def pace(peer: Peer, batching: Batching, asked: Sequence[str]) -> float:
    async def measured(server: Server) -> float:
        async with side(server, asked) as found:
            for kind in KINDS:
                await found.saturate(kind)
            return sum(found.seconds[kind][0] for kind in KINDS)

    with peer(batching) as server:
        seconds = uvloop.run(measured(server))
        sys.stderr.write(f"{server.name} {batching.batch} {batching.wait_ms} ms: {seconds:.2f} s\n")
        return seconds
