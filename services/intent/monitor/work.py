"""The background work of opinion monitoring, opened and ended with the service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from services.intent.monitor.alerts import Policy
from services.intent.monitor.detecting import Detection
from services.intent.monitor.detectors import DetectorConfig
from services.intent.monitor.outbound import open_outbound
from services.intent.monitor.retention import Kept
from services.intent.monitor.sealing import Sealer
from services.intent.monitor.worker import classify, deliver, forget, watch
from services.intent.serving.engine import Engine
from services.intent.settings import IntentSettings
from services.kit.database import Database
from services.kit.tasks import background


@asynccontextmanager
async def monitoring(
    settings: IntentSettings, db: Database, engine: Engine, sealer: Sealer | None
) -> AsyncIterator[None]:
    """Runs while the block runs, in the role `worker`; nothing is delivered where secrets cannot be opened."""
    if "worker" not in settings.roles:
        yield
        return
    async with open_outbound(settings.webhooks_allowed) as outbound:
        senders = [] if sealer is None else [partial(deliver, db, outbound, sealer)] * settings.monitor_senders
        work = (
            partial(classify, db, engine),
            partial(watch, db, detection_of(settings), every_s=settings.monitor_every_s),
            partial(forget, db, kept_of(settings)),
        )
        async with background(*work, *senders):
            yield


def detection_of(settings: IntentSettings) -> Detection:
    return Detection(
        settings.zone_of,
        DetectorConfig(cusum_limit=settings.monitor_cusum_limit),
        Policy(repeat=timedelta(hours=settings.monitor_repeat_hours)),
    )


def kept_of(settings: IntentSettings) -> Kept:
    return Kept(
        timedelta(days=settings.monitor_document_days),
        timedelta(days=settings.monitor_series_days),
        timedelta(hours=settings.monitor_near_hours),
    )
