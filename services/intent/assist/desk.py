"""What customer service holds while it runs."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from redis.asyncio import Redis

from services.intent.assist.assistant import Assistant
from services.intent.assist.dialogue import Dialogue, Found
from services.intent.assist.forms import Forms
from services.intent.assist.sessions import Sessions
from services.intent.assist.texts import load_texts
from services.intent.assist.upkeep import keep_up
from services.intent.assist.values.places import load_names
from services.intent.serving.engine import Engine
from services.intent.settings import IntentSettings
from services.kit.database import Database
from services.kit.tasks import background


@dataclass(frozen=True, slots=True)
class Desk:
    """`now` is the clock."""

    assistant: Assistant
    sessions: Sessions
    now: Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def open_desk(settings: IntentSettings, engine: Engine, db: Database, redis: Redis) -> AsyncIterator[Desk]:
    """Read and check the texts, and begin what goes on in the background. Raises `TextsRefused`, which ends the start."""
    texts = load_texts(settings.assist_texts)
    sessions = Sessions(redis, lifetime_s=settings.assist_session_s)
    dialogue = Dialogue(texts, Forms(texts, load_names(), lambda: utc_now().date()), settings.assist_sure_from)

    async def search(tenant: str, text: str, expires: float) -> Found | None:
        return None

    assistant = Assistant(dialogue, sessions, engine, search)
    work = [keep_up(db, settings, utc_now)] if "worker" in settings.roles else []
    async with background(*work):
        yield Desk(assistant, sessions, utc_now)
