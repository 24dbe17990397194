"""Gives every passage the embedding of the model that is served; after another model is served, a new one."""

import asyncio
import time
from collections.abc import Sequence

import numpy as np
from sqlalchemy.exc import ProgrammingError

from services.intent.assist.knowledge import store
from services.intent.assist.knowledge.embedder import Embedder
from services.intent.assist.knowledge.passages import Passage, embedded_text
from services.intent.assist.knowledge.store import Row
from services.intent.assist.metrics import PASSAGES_EMBEDDED
from services.intent.serving.waiting import Priority
from services.kit.database import Database
from services.kit.errors import Unavailable
from services.kit.telemetry import get_logger

log = get_logger(__name__)

AT_ONCE = 64
PATIENCE_S = 60.0


async def embed_all(db: Database, embedder: Embedder, every_s: float) -> None:
    """For as long as the process runs; waits where there is nothing to do, or a store is away."""
    while True:
        try:
            done = await embed_some(db, embedder)
        except (Unavailable, ProgrammingError) as error:
            log.warning("passages_not_embedded", reason=type(error).__name__)
            done = 0
        if not done:
            await asyncio.sleep(every_s)


async def embed_some(db: Database, embedder: Embedder) -> int:
    """Up to `AT_ONCE` passages, after everybody who is waiting for an answer; how many there were."""
    version = await embedder.version()
    if version is None:
        return 0
    async with db.connect() as connection:
        rows = await store.not_embedded(connection, version, AT_ONCE)
    if not rows:
        return 0
    texts = [_text(row) for row in rows]
    expires = time.monotonic() + PATIENCE_S
    embedded = await embedder.embed(texts, "passage", expires=expires, priority=Priority.BULK)
    if embedded is None:
        return 0
    packed = await asyncio.to_thread(_packed, embedded.vectors)
    async with db.begin() as connection:
        await store.keep_embeddings(connection, rows, packed, embedded.version)
    PASSAGES_EMBEDDED.inc(len(rows))
    return len(rows)


def _text(row: Row) -> str:
    return embedded_text(Passage(row.section, row.question, row.text, row.locale))


def _packed(vectors: Sequence[np.ndarray]) -> list[bytes]:
    return [np.asarray(each, dtype=np.float16).tobytes() for each in vectors]
