"""The least that could stand where the intent service does, on its web server: `python -m bench.rig.least KIND FOLDER TEXTS PORT`.

`answers`: an ASGI application that reads a body, has the model file compute its texts on one thread and says label and confidence: no
batches, no credential, no deadline, no metrics. What it takes for a single text is what Python and the machine take.
`refuses`: an ASGI application of two messages that answers 200 to everything and, in the same process, as far behind it as ours puts
it, a thread on which the model file never rests. What its callers see is the limit for refusals.
"""

import asyncio
import json
import os
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path
from typing import Any

import orjson
import uvicorn

from bench.peers.raw import RawModel, parcels
from services.intent.serving.batcher import COMPUTE_NICENESS

App = Callable[[dict[str, Any], Any, Any], Awaitable[None]]
REFUSAL = b'{"title": "Too Many Requests", "status": 429, "code": "queue_full"}'
TOKENS = 256
"""Padded size of a batch, as on ours."""


def answering(model: RawModel) -> App:
    thread = ThreadPoolExecutor(1)

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            texts = orjson.loads((await receive())["body"])["texts"]
            results = await asyncio.get_running_loop().run_in_executor(thread, model.answers, texts, TOKENS)
            await _say(send, orjson.dumps({"results": results}))

    return app


def refusing(model: RawModel, texts: Sequence[str]) -> App:
    rows = sorted(model.read(texts), key=len)
    places = parcels(range(len(rows)), list(map(len, rows)), TOKENS)
    batches = [[rows[place] for place in each] for each in places]
    threading.Thread(target=_compute, args=(model, batches), daemon=True).start()

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await receive()
            await _say(send, REFUSAL)

    return app


async def _say(send: Any, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _compute(model: RawModel, batches: Sequence[Sequence[Sequence[int]]]) -> None:
    """Without end."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.nice(0) + COMPUTE_NICENESS)
    for batch in cycle(batches):
        model.run(batch)


def main() -> None:
    kind, folder, texts, port = sys.argv[1:]
    model = RawModel(Path(folder))
    app = (
        answering(model) if kind == "answers" else refusing(model, json.loads(Path(texts).read_text(encoding="utf-8")))
    )
    uvicorn.run(app, port=int(port), loop="uvloop", http="httptools", ws="none", lifespan="off", log_level="warning")


if __name__ == "__main__":
    main()
