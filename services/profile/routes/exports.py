"""Everything out, as a stream; and how far behind facts are."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from redis.exceptions import RedisError

from services.kit.errors import Unavailable
from services.kit.identity import Caller, requires
from services.kit.wire import Timestamp
from services.profile.exports import export_events, export_features, latest_event
from services.profile.resources import Opened
from services.profile.routes.callers import servers_only
from services.profile.schemas import Lag

router = APIRouter(prefix="/v1", tags=["exports"])

NDJSON = "application/x-ndjson"
Exporter = Annotated[Caller, requires("events:export")]
AsOf = Annotated[Timestamp | None, Query(description="When to read the features at; the last event of all by default.")]

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {NDJSON: {"schema": {"type": "string"}}}, "description": "One JSON object a line."}
}


@router.get("/features/export", response_class=StreamingResponse, responses=_STREAM)
async def features(caller: Exporter, resources: Opened, as_of: AsOf = None) -> StreamingResponse:
    """The features of every person, one a line: what `kuajie fit segments` reads."""
    servers_only(caller)
    moment: datetime = as_of or await latest_event(resources, caller.tenant_id) or resources.clock()
    return StreamingResponse(export_features(resources, caller.tenant_id, moment), media_type=NDJSON)


@router.get("/events/export", response_class=StreamingResponse, responses=_STREAM)
async def events(caller: Exporter, resources: Opened) -> StreamingResponse:
    """Every event that was kept, one a line."""
    servers_only(caller)
    return StreamingResponse(export_events(resources, caller.tenant_id), media_type=NDJSON)


@router.get("/lag")
async def lag(_: Annotated[Caller, requires("export:read")], resources: Opened) -> Lag:
    """Facts still under way: `relay` from our outbox to the stream, `recommend` from recommend's stream to us."""
    try:
        return Lag(consumers={"relay": await resources.relay.backlog(), "recommend": await resources.catalogue.lag()})
    except RedisError as error:
        raise Unavailable("The stream cannot be reached.") from error
