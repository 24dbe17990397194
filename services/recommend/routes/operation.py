"""The fitted model in use, and how far behind the streams this service is."""

from typing import Annotated

from fastapi import APIRouter
from redis.exceptions import RedisError

from services.kit.errors import NotFound, Unavailable
from services.kit.identity import Caller, requires
from services.recommend.resources import Held
from services.recommend.schemas import LagReport, ModelInfo

router = APIRouter(tags=["operation"])


class NoModel(NotFound):
    code = "no_model"


@router.get("/v1/model")
async def model(held: Held, caller: Annotated[Caller, requires("recommend:read")]) -> ModelInfo:
    """Version and checksum of the fitted model; 404 `no_model` before the first fit."""
    manifest = held.models.manifest(caller.tenant_id)
    if manifest is None:
        raise NoModel("Nothing was fitted yet.")
    return ModelInfo(
        version=manifest.version,
        checksum=manifest.checksum,
        created_at=manifest.created_at,
        metadata=manifest.metadata,
    )


@router.get("/v1/lag")
async def lag(held: Held, _: Annotated[Caller, requires("export:read")]) -> LagReport:
    """Facts published and not taken in, by the service that told them; all zero when everything has arrived."""
    try:
        behind = {source: await consumer.lag() for source, consumer in held.consumers.items()}
        return LagReport(consumers={"relay": await held.relay.backlog(), **behind})
    except RedisError as error:
        raise Unavailable("The streams cannot be reached.") from error
