"""What each tenant knows, in memory: read when first asked, read again when it has changed, bounded."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np

from services.intent.assist.found import Citation, Found, Passage
from services.intent.assist.knowledge import store
from services.intent.assist.knowledge.bm25 import Common
from services.intent.assist.knowledge.embedder import Embedder, Vector
from services.intent.assist.knowledge.index import Hit, Index, Indexed
from services.intent.assist.knowledge.ranking import ANSWERS, Mode, Ranking
from services.intent.assist.knowledge.store import Row
from services.intent.assist.reading import language
from services.intent.serving.failures import ModelFailed
from services.intent.serving.waiting import Priority
from services.kit.database import Database
from services.kit.telemetry import get_logger
from services.kit.wire import DEFAULT_LOCALE

log = get_logger(__name__)

MOST_TENANTS = 64
"""Tenants whose knowledge stays in memory: those that were asked last."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """A tenant's passages. `embedded_by` is the model version that has seen all of them, None when some are still to be embedded."""

    revision: int
    rows: Sequence[Row]
    index: Index
    embedded_by: str | None


@dataclass(frozen=True, slots=True)
class Searched:
    """Every passage that came up, the best first; how many of them answer, and how many more come near."""

    hits: Sequence[tuple[Row, Hit]]
    answers: int
    near: int
    mode: Mode


class Library:
    """Use as `async with Library(…) as library`."""

    def __init__(
        self,
        db: Database,
        embedder: Embedder,
        rankings: Mapping[Mode, Ranking],
        common: Common,
        *,
        refresh_s: float,
    ) -> None:
        self._db = db
        self._embedder = embedder
        self._rankings = rankings
        self._common = common
        self._refresh_s = refresh_s
        self._shelves: OrderedDict[str, Shelf] = OrderedDict()
        self._checked: dict[str, float] = {}
        self._reading: dict[str, asyncio.Task[Shelf]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        for reading in self._reading.values():
            reading.cancel()
        if self._reading:
            await asyncio.wait(self._reading.values())

    async def found(self, tenant_id: str, text: str, expires: float) -> Found | None:
        """What answers a text; None when the tenant has no knowledge at all. `expires` is on the monotonic clock."""
        searched = await self.search(tenant_id, text, expires, limit=ANSWERS)
        if searched is None:
            return None
        passages = [_passage(row, hit) for row, hit in searched.hits[: searched.answers + searched.near]]
        return Found(passages[: searched.answers], searched.mode, passages[searched.answers :])

    async def search(self, tenant_id: str, text: str, expires: float, *, limit: int) -> Searched | None:
        """The nearest passages. With words alone when the model has no embeddings, or not yet those of all passages."""
        shelf = await self._shelf(tenant_id)
        if not shelf.rows:
            return None
        vector = await self._vector(shelf, text, expires)
        hits = await asyncio.to_thread(shelf.index.search, text, language(text, DEFAULT_LOCALE), vector, limit=limit)
        answers, near = shelf.index.answers(hits, vector), shelf.index.near(hits, vector)
        named = [(shelf.rows[hit.place], hit) for hit in hits]
        return Searched(named, len(answers), len(near), shelf.index.mode(vector))

    async def refresh(self, tenant_id: str) -> None:
        """Read a tenant's knowledge now: after a change of it, in the process that made the change."""
        await self._read(tenant_id)

    async def _vector(self, shelf: Shelf, text: str, expires: float) -> Vector | None:
        if shelf.embedded_by is None:
            return None
        try:
            embedded = await self._embedder.embed([text], "query", expires=expires, priority=Priority.INTERACTIVE)
        except ModelFailed as error:
            log.error("question_not_embedded", error=str(error))
            return None
        if embedded is None or embedded.version != shelf.embedded_by:
            return None
        [vector] = embedded.vectors
        return vector if np.isfinite(vector).all() else None

    async def _shelf(self, tenant_id: str) -> Shelf:
        """What is in memory; a change is read in the background while the old is still good for an answer."""
        shelf = self._shelves.get(tenant_id)
        if shelf is None:
            return await self._read(tenant_id)
        self._shelves.move_to_end(tenant_id)
        if time.monotonic() - self._checked.get(tenant_id, 0.0) >= self._refresh_s:
            self._checked[tenant_id] = time.monotonic()
            async with self._db.connect() as connection:
                revision = await store.revision_of(connection, tenant_id)
            if revision != shelf.revision and tenant_id not in self._reading:
                self._begin(tenant_id)
        return shelf

    async def _read(self, tenant_id: str) -> Shelf:
        """One reading a tenant at a time; who comes meanwhile waits for the next, which sees what they wrote."""
        if (reading := self._reading.get(tenant_id)) is not None:
            await asyncio.wait([reading])
        return await asyncio.shield(self._reading.get(tenant_id) or self._begin(tenant_id))

    def _begin(self, tenant_id: str) -> "asyncio.Task[Shelf]":
        reading = asyncio.create_task(self._load(tenant_id), name="read-knowledge")
        self._reading[tenant_id] = reading
        reading.add_done_callback(lambda done: self._end(tenant_id, done))
        return reading

    def _end(self, tenant_id: str, done: "asyncio.Task[Shelf]") -> None:
        self._reading.pop(tenant_id, None)
        if done.cancelled():
            return
        if (error := done.exception()) is not None:
            log.warning("knowledge_not_read", reason=type(error).__name__)
            return
        self._shelves[tenant_id] = done.result()
        self._shelves.move_to_end(tenant_id)
        self._checked[tenant_id] = time.monotonic()
        while len(self._shelves) > MOST_TENANTS:
            forgotten, _ = self._shelves.popitem(last=False)
            self._checked.pop(forgotten, None)

    async def _load(self, tenant_id: str) -> Shelf:
        async with self._db.connect() as connection:
            revision = await store.revision_of(connection, tenant_id)
            rows = await store.all_passages(connection, tenant_id)
        return await asyncio.to_thread(self._built, revision, rows)

    def _built(self, revision: int, rows: Sequence[Row]) -> Shelf:
        """Runs on a thread."""
        versions = {row.embedded_by for row in rows}
        embedded_by = versions.pop() if len(versions) == 1 else None
        vectors = None if embedded_by is None else _vectors([row.embedding for row in rows])
        index = Index([_indexed(row) for row in rows], vectors, self._rankings, self._common)
        return Shelf(revision, rows, index, None if vectors is None else embedded_by)


def _vectors(packed: Sequence[bytes | None]) -> Vector | None:
    """Of shape (passages, width); a passage on which the model failed is near to nothing. None where it failed on all of them."""
    made = {place: np.frombuffer(each, dtype=np.float16) for place, each in enumerate(packed) if each is not None}
    if not made:
        return None
    vectors = np.zeros((len(packed), len(next(iter(made.values())))), dtype=np.float32)
    for place, vector in made.items():
        vectors[place] = vector
    return vectors


def _indexed(row: Row) -> Indexed:
    return Indexed((row.document_id, row.number), row.question or row.section, row.text, row.locale)


def citation_of(row: Row, hit: Hit) -> Citation:
    return Citation(
        document_id=row.document_id,
        version=row.version,
        passage=row.number,
        title=row.title,
        section=row.question or row.section,
        url=row.url,
        score=round(hit.probability, 4),
    )


def _passage(row: Row, hit: Hit) -> Passage:
    return Passage(row.text, citation_of(row, hit))
