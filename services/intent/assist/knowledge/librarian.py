"""Gives every passage the embedding of the model that is served; after another model is served, a new one."""

import asyncio
import time
from collections.abc import Sequence

import numpy as np
from sqlalchemy.exc import ProgrammingError

from services.intent.assist.knowledge import store
from services.intent.assist.knowledge.embedder import Embedded, Embedder, Vector
from services.intent.assist.knowledge.passages import Passage, embedded_text
from services.intent.assist.knowledge.store import Row, Tried
from services.intent.assist.metrics import PASSAGES_EMBEDDED, PASSAGES_SET_ASIDE
from services.intent.serving.failures import ModelFailed
from services.intent.serving.waiting import Priority
from services.kit.database import Database
from services.kit.errors import Unavailable
from services.kit.telemetry import get_logger

log = get_logger(__name__)

AT_ONCE = 64
PATIENCE_S = 60.0
PLAIN = "How long does a refund take? 退款多久到账？"
"""A text on which no model that works fails."""


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
    """Up to `AT_ONCE` passages, after everybody who is waiting for an answer; how many of them are done with."""
    version = await embedder.version()
    if version is None:
        return 0
    async with db.connect() as connection:
        rows = await store.not_embedded(connection, version, AT_ONCE)
    if not rows:
        return 0
    tried = await _tried(embedder, rows, version)
    if not tried:
        return 0
    async with db.begin() as connection:
        await store.keep_embeddings(connection, tried)
    _observe(tried)
    return len(tried)


async def _tried(embedder: Embedder, rows: Sequence[Row], version: str) -> list[Tried]:
    """All in one batch; where the model fails, one by one, so that a single passage cannot hold up the others.

    A passage is at fault that fails again between two plain texts on which the model works: it may have been away for a moment.
    """
    try:
        tried = await _embedded(embedder, rows)
    except ModelFailed:
        tried = [each for row in rows for each in await _embedded_alone(embedder, row, version)]
    good = [each for each in tried if each.packed is not None]
    failed = [each.row for each in tried if each.packed is None]
    if not failed:
        return good
    if await _works(embedder):
        again = [each for row in failed for each in await _embedded_alone(embedder, row, version)]
        if all(each.packed is not None for each in again) or await _works(embedder):
            return [*good, *again]
    log.error("passages_not_embedded", reason="the model fails on every text")
    return good


async def _embedded_alone(embedder: Embedder, row: Row, version: str) -> list[Tried]:
    try:
        return await _embedded(embedder, [row])
    except ModelFailed:
        return [Tried(row, None, version)]


async def _embedded(embedder: Embedder, rows: Sequence[Row]) -> list[Tried]:
    """None of them when the model is too busy. Raises `ModelFailed`."""
    texts = [embedded_text(Passage(row.section, row.question, row.text, row.locale)) for row in rows]
    embedded = await _asked(embedder, texts)
    if embedded is None:
        return []
    packed = await asyncio.to_thread(_packed, embedded.vectors)
    return [Tried(row, each, embedded.version) for row, each in zip(rows, packed, strict=True)]


async def _works(embedder: Embedder) -> bool:
    """Whether it is the texts that are at fault: a device that was lost fails on every one."""
    try:
        embedded = await _asked(embedder, [PLAIN])
    except ModelFailed:
        return False
    return embedded is not None and None not in _packed(embedded.vectors)


async def _asked(embedder: Embedder, texts: Sequence[str]) -> Embedded | None:
    return await embedder.embed(texts, "passage", expires=time.monotonic() + PATIENCE_S, priority=Priority.BULK)


def _packed(vectors: Sequence[Vector]) -> list[bytes | None]:
    """A vector whose numbers are none would make none of every other passage's chances."""
    halves = [np.asarray(each, dtype=np.float16) for each in vectors]
    return [each.tobytes() if np.isfinite(each).all() else None for each in halves]


def _observe(tried: Sequence[Tried]) -> None:
    for each in tried:
        if each.packed is not None:
            PASSAGES_EMBEDDED.inc()
            continue
        PASSAGES_SET_ASIDE.inc()
        log.error(
            "passage_set_aside",
            tenant=each.row.tenant_id,
            document=each.row.document_id,
            passage=each.row.number,
            version=each.version,
        )
