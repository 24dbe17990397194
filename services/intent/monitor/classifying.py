"""Documents that wait get their topic and sentiment from the engine, and are counted in the hour of their publication."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, bindparam, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intent.model import Understanding
from services.intent.monitor.counts import Counts
from services.intent.monitor.hours import hour_of
from services.intent.monitor.metrics import CLASSIFICATION_LAG, CLASSIFIED, FAILED
from services.intent.monitor.series import NO_SOURCE, Place, count
from services.intent.monitor.standing_in import stand_ins
from services.intent.monitor.waiting import take
from services.intent.schemas import MAX_TEXT_CHARS
from services.intent.serving.engine import Engine, NoModel
from services.intent.serving.failures import BatcherError, DeadlinePassed, ModelFailed
from services.intent.serving.waiting import Priority
from services.intent.tables import monitor as tables
from services.kit.database import Database
from services.kit.telemetry import get_logger

log = get_logger(__name__)

documents = tables.documents
AT_ONCE = 64
PATIENCE_S = 30.0


class NotNow(Exception):
    """The engine takes no work at the moment; the documents go on waiting."""


class TooMany(NotNow):
    """So many documents were not read within `PATIENCE_S`; nothing of them is kept."""


@dataclass(frozen=True, slots=True)
class Read:
    """A waiting document and what the model says of it; None where the model failed on it alone."""

    row: RowMapping
    said: Understanding | None
    model: str

    @property
    def is_first(self) -> bool:
        """Whether it is the first document of its cluster."""
        return bool(self.row["cluster_id"] == self.row["document_id"])


async def classify_some(db: Database, engine: Engine, now: datetime, most: int = AT_ONCE) -> int:
    """Classify up to `most` documents that nobody else is at; how many there were. Raises NotNow."""
    async with db.begin() as connection:
        rows = await take(connection, most)
        if rows:
            read = await _understood(engine, rows)
            await _write(connection, read)
            for tenant in sorted({row["tenant_id"] for row in rows}):
                own = [each for each in read if each.row["tenant_id"] == tenant]
                others = await stand_ins(connection, tenant, _left_open(own), [each.row["document_id"] for each in own])
                await count(connection, tenant, _counts(own, others))
    for each in read if rows else ():
        _observe(each, now)
    return len(rows)


async def _understood(engine: Engine, rows: Sequence[RowMapping]) -> list[Read]:
    """A tenant's in one batch; where the model fails, one by one, so that a single text cannot hold up the others."""
    read: list[Read] = []
    for tenant in sorted({row["tenant_id"] for row in rows}):
        own = [row for row in rows if row["tenant_id"] == tenant]
        try:
            read += await _ask(engine, own)
        except ModelFailed:
            for row in own:
                read += await _ask_alone(engine, row)
    return read


async def _ask(engine: Engine, rows: Sequence[RowMapping]) -> list[Read]:
    texts = [row["text"][:MAX_TEXT_CHARS] for row in rows]
    try:
        answered = await engine.understand(
            texts, tenant=rows[0]["tenant_id"], expires=time.monotonic() + PATIENCE_S, priority=Priority.BULK
        )
    except ModelFailed:
        raise
    except DeadlinePassed as error:
        raise TooMany(type(error).__name__) from error
    except (BatcherError, NoModel) as error:
        raise NotNow(type(error).__name__) from error
    model = f"{answered.model}/{answered.version}"
    return [Read(row, said, model) for row, said in zip(rows, answered.results, strict=True)]


async def _ask_alone(engine: Engine, row: RowMapping) -> list[Read]:
    try:
        return await _ask(engine, [row])
    except ModelFailed as error:
        if (trouble := engine.serving.model.trouble()) is not None:  # it is not the document that is at fault
            raise NotNow(trouble) from error
        log.error("document_not_classified", error=str(error))
        return [Read(row, None, "")]


async def _write(connection: AsyncConnection, read: Sequence[Read]) -> None:
    c = documents.c
    same = (c.tenant_id == bindparam("at_tenant")) & (c.document_id == bindparam("at_document"))
    changed = ("state", "topic", "topic_confidence", "sentiment", "negative", "model")
    statement = update(documents).where(same).values({name: bindparam(f"new_{name}") for name in changed})
    await connection.execute(statement, [_changed(each) for each in read])


def _changed(each: Read) -> dict[str, Any]:
    said = each.said
    return {
        "at_tenant": each.row["tenant_id"],
        "at_document": each.row["document_id"],
        "new_state": "failed" if said is None else "classified",
        "new_topic": said and said.opinion.topic,
        "new_topic_confidence": said and said.opinion.confidence,
        "new_sentiment": said and said.sentiment,
        "new_negative": said and said.opinion.negative,
        "new_model": each.model or None,
    }


def _left_open(read: Iterable[Read]) -> set[str]:
    """Clusters of which the first was not read, or others were."""
    return {each.row["cluster_id"] for each in read if each.is_first == (each.said is None)}


def _counted(each: Read, said: Understanding) -> tuple[Place, Counts]:
    place = (said.opinion.topic, hour_of(each.row["published_at"]), each.row["source"] or NO_SOURCE)
    first, negative = each.is_first, said.sentiment == "negative"
    return place, Counts(int(first), int(first and negative), 1, int(negative), each.row["weight"])


def _counts(read: Iterable[Read], others: Iterable[tuple[Place, Counts]]) -> dict[Place, Counts]:
    """What is added to which hour. Of a cluster only the first document counts as a document, or what stands in for it (`others`)."""
    found: dict[Place, Counts] = {}
    for place, more in (*(_counted(each, each.said) for each in read if each.said is not None), *others):
        found[place] = found.get(place, Counts()) + more
    return found


def _observe(each: Read, now: datetime) -> None:
    if each.said is None:
        FAILED.inc()
        return
    CLASSIFIED.labels(each.said.opinion.topic, each.said.sentiment).inc()
    CLASSIFICATION_LAG.observe(max(0.0, (now - each.row["received_at"]).total_seconds()))
