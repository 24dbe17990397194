"""Events in: live batches and bulk imports."""

from typing import Annotated, Any

from fastapi import APIRouter, Request

from services.kit.identity import Caller, requires
from services.profile.batches import accept_batch
from services.profile.importing import import_events
from services.profile.resources import Opened
from services.profile.routes.callers import servers_only
from services.profile.schemas import Batch, BatchResult, ImportReport

router = APIRouter(prefix="/v1", tags=["events"])

Writer = Annotated[Caller, requires("events:write")]

_NDJSON_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-ndjson": {
                "schema": {"type": "string"},
                "example": '{"row": 2, "user_id": "u1", "item_id": "497736", "timestamp": 1506072964}\n',
            }
        },
    }
}


@router.post("/batch")
async def send_batch(body: Batch, caller: Writer, resources: Opened) -> BatchResult:
    """Messages as Segment sends them. Each is judged alone; a `message_id` that is known counts once, whenever it comes."""
    return await accept_batch(resources, caller, body.batch)


@router.post("/events/import", openapi_extra=_NDJSON_BODY)
async def import_rows(request: Request, caller: Writer, resources: Opened, dry_run: bool = False) -> ImportReport:
    """Rows of a file as NDJSON. Good rows are kept in one transaction, bad ones counted by reason and shown by row."""
    servers_only(caller)
    return await import_events(resources, caller, await request.body(), dry_run=dry_run)
