"""The least that could refuse texts on a busy core: `python -m bench.rig.refuser FOLDER TEXTS PORT`.

An ASGI application of two messages on the server that ours has, and in the same process, as far behind it as ours puts it, a thread
on which the model file never rests. What its callers see is the limit for refusals.
"""

import json
import os
import sys
import threading
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import uvicorn

from bench.peers.raw import RawModel, parcels
from services.intent.serving.batcher import COMPUTE_NICENESS

BODY = b'{"title": "Too Many Requests", "status": 429, "code": "queue_full"}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]
TOKENS = 256
"""Padded size of a batch, as on ours."""


async def refuse(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send({"type": "http.response.body", "body": BODY})


def compute(model: RawModel, batches: Sequence[Sequence[Sequence[int]]]) -> None:
    """Without end."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.nice(0) + COMPUTE_NICENESS)
    for batch in cycle(batches):
        model.run(batch)


def main() -> None:
    folder, texts, port = sys.argv[1:]
    model = RawModel(Path(folder))
    rows = sorted(model.read(json.loads(Path(texts).read_text(encoding="utf-8"))), key=len)
    places = parcels(range(len(rows)), list(map(len, rows)), TOKENS)
    batches = [[rows[place] for place in each] for each in places]
    threading.Thread(target=compute, args=(model, batches), daemon=True).start()
    uvicorn.run(refuse, port=int(port), loop="uvloop", http="httptools", ws="none", lifespan="off", log_level="warning")


if __name__ == "__main__":
    main()
