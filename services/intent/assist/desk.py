"""What customer service holds while it runs."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from redis.asyncio import Redis

from services.intent.assist.assistant import Assistant
from services.intent.assist.dialogue import Dialogue
from services.intent.assist.forms import Forms
from services.intent.assist.knowledge.bm25 import Common, load_common
from services.intent.assist.knowledge.embedder import Embedder
from services.intent.assist.knowledge.librarian import embed_all
from services.intent.assist.knowledge.library import Library
from services.intent.assist.knowledge.ranking import load_rankings
from services.intent.assist.sessions import Sessions
from services.intent.assist.texts import load_texts
from services.intent.assist.upkeep import keep_up
from services.intent.assist.values.places import load_names
from services.intent.serving.engine import Engine
from services.intent.settings import IntentSettings
from services.kit.database import Database
from services.kit.tasks import Work, background


@dataclass(frozen=True, slots=True)
class Desk:
    """`common` says how common terms are; `now` is the clock."""

    assistant: Assistant
    sessions: Sessions
    library: Library
    common: Common
    now: Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def open_desk(settings: IntentSettings, engine: Engine, db: Database, redis: Redis) -> AsyncIterator[Desk]:
    """Read and check the texts, and begin what goes on in the background. Raises `TextsRefused` or
    `RankingRefused`, which ends the start."""
    texts = load_texts(settings.assist_texts)
    sessions = Sessions(redis, lifetime_s=settings.assist_session_s)
    dialogue = Dialogue(texts, Forms(texts, load_names(), lambda: utc_now().date()), settings.assist_sure_from)

    rankings, common = load_rankings(settings.assist_ranking), load_common()
    async with (
        Embedder(engine) as embedder,
        Library(db, embedder, rankings, common, refresh_s=settings.assist_refresh_s) as library,
    ):
        work: list[Work] = []
        if "worker" in settings.roles:
            work = [
                partial(keep_up, db, settings, utc_now),
                partial(embed_all, db, embedder, settings.assist_refresh_s),
            ]
        async with background(*work):
            yield Desk(Assistant(dialogue, sessions, engine, library.found), sessions, library, common, utc_now)
