"""Opinion monitoring: documents in, what is known of them, and the series that they make."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query

from services.intent.labels import OPINION_TOPICS, Sentiment
from services.intent.monitor import documents as document_store
from services.intent.monitor import series as series_store
from services.intent.monitor.document_schemas import Moment
from services.intent.monitor.documents import Wanted
from services.intent.monitor.hours import HOUR, STEP_HOURS, Step, hour_of, steps
from services.intent.monitor.intake import Window, accept
from services.intent.monitor.schemas import Document, DocumentBatch, DocumentVerdicts, Series, Topic, TopicSeries
from services.intent.resources import Held
from services.kit.errors import InvalidInput
from services.kit.identity import Caller, requires
from services.kit.pagination import Page
from services.kit.wire import ExternalId

router = APIRouter(prefix="/v1/monitor", tags=["monitor"])

Writer = Annotated[Caller, requires("monitor:write")]
Reader = Annotated[Caller, requires("monitor:read")]
Since = Annotated[Moment | None, Query(description="From here on, this moment included.")]
Until = Annotated[Moment | None, Query(description="Up to here, this moment not included.")]
Cursor = Annotated[str | None, Query(description="The `next_cursor` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=200, description="Rows of one page.")]

MOST_POINTS = 12_000
DEFAULT_SPAN = timedelta(days=7)


class RangeTooLong(InvalidInput):
    code = "range_too_long"


@router.post("/documents")
async def send_documents(body: DocumentBatch, held: Held, caller: Writer) -> DocumentVerdicts:
    """Documents to watch, each with its own verdict. A `document_id` that is known counts once, whenever it comes."""
    settings = held.settings
    window = Window(timedelta(days=settings.monitor_document_days), timedelta(hours=settings.monitor_near_hours))
    now = datetime.now(UTC)
    return await accept(held.db, held.turns, caller.tenant_id, body.documents, window=window, now=now)


@router.get("/documents")
async def list_documents(
    held: Held,
    caller: Reader,
    topic: Topic | None = None,
    source: ExternalId | None = None,
    sentiment: Sentiment | None = None,
    cluster_id: ExternalId | None = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Document]:
    """Documents, the newest publication first."""
    wanted = Wanted(topic, source, sentiment, cluster_id, since, until)
    async with held.db.connect() as connection:
        return await document_store.page(connection, caller.tenant_id, wanted, cursor=cursor, limit=limit)


@router.get("/documents/{document_id:path}")
async def get_document(document_id: Annotated[ExternalId, Path()], held: Held, caller: Reader) -> Document:
    """One document with its topic and sentiment; 404 when there is none."""
    async with held.db.connect() as connection:
        return await document_store.get(connection, caller.tenant_id, document_id)


@router.get("/series")
async def read_series(
    held: Held,
    caller: Reader,
    topic: Topic | None = None,
    source: ExternalId | None = None,
    since: Since = None,
    until: Until = None,
    step: Step = "1h",
) -> Series:
    """Counts by topic and step of publication, empty steps included; the last seven days unless told otherwise."""
    zone = held.settings.zone_of(caller.tenant_id)
    end = until or hour_of(datetime.now(UTC)) + HOUR
    begin = since or end - DEFAULT_SPAN
    topics = (topic,) if topic is not None else OPINION_TOPICS
    if begin >= end:
        raise InvalidInput("The range is empty.", param="until")
    if (end - begin) / HOUR * len(topics) > MOST_POINTS * STEP_HOURS[step]:
        raise RangeTooLong(f"At most {MOST_POINTS} points: take a longer step or one topic.", param="since")
    edges = list(steps(begin, end, step, zone))
    async with held.db.connect() as connection:
        found = await series_store.by_step(connection, caller.tenant_id, edges, topic=topic, source=source)
    shown = dict.fromkeys((*topics, *sorted(found)))
    series = [TopicSeries(topic=each, points=series_store.points(found.get(each, {}), edges)) for each in shown]
    return Series(step=step, timezone=zone.key, source=source, series=series)
