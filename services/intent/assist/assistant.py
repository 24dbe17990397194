"""The bot's turn: rules first, then its memory, the model and the knowledge base. It reads; the routes write."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from services.intent.assist.amendments import behind_cancel
from services.intent.assist.conversations import Row
from services.intent.assist.dialogue import Dialogue
from services.intent.assist.faults import ConversationClosed, ConversationExpired, ModelBusy
from services.intent.assist.found import Found
from services.intent.assist.hearing import SMALL_TALK
from services.intent.assist.metrics import TURN_SECONDS
from services.intent.assist.session import Session
from services.intent.assist.sessions import Sessions
from services.intent.assist.turns import Heard, Turn
from services.intent.assist.words import language
from services.intent.serving.engine import Engine, NoModel
from services.intent.serving.failures import DeadlinePassed, Draining, ModelFailed, QueueFull
from services.intent.serving.waiting import Priority
from services.kit.errors import DeadlineExceeded, Unavailable
from services.kit.wire import Locale

EXPIRED = "expired"

Search = Callable[[str, str, float], Awaitable[Found | None]]
"""(tenant, text, moment by which to be done) → what the knowledge base says; None when the tenant has none."""


@dataclass(frozen=True, slots=True)
class Assistant:
    """What answers a message of a person."""

    dialogue: Dialogue
    sessions: Sessions
    engine: Engine
    search: Search

    def urgent(self, conversation: Row, text: str) -> Turn | None:
        """The turn that needs neither model nor memory, whatever else is away: a hand-off by rule, or silence.

        Raises `ConversationClosed`. An expired conversation still reaches a person.
        """
        locale = language(text, conversation.locale)
        if conversation.owner == "closed" and conversation.close_reason != EXPIRED:
            raise ConversationClosed
        if conversation.owner == "agent":
            return Turn(locale, "silent")
        return self.dialogue.before_model(text, locale)

    async def turn(self, conversation: Row, text: str, *, expires: float) -> Turn:
        """The bot's turn; `expires` is on the monotonic clock.

        Raises `ConversationExpired`, `SessionsUnavailable`, and what the engine's refusals mean to a caller.
        """
        started = time.perf_counter()
        session = await self._session(conversation, language(text, conversation.locale))
        turn = self.dialogue.in_form(session, text) or self.dialogue.chosen(session, text)
        turn = turn or await self._understood(conversation, session, text, expires)
        if turn.outcome == "cancelled":
            turn = await self._going_on(conversation, turn, behind_cancel(text), expires)
        TURN_SECONDS.observe(time.perf_counter() - started)
        return turn

    async def _session(self, conversation: Row, locale: Locale) -> Session:
        """The memory that belongs to this version of the conversation; a fresh one where one may begin."""
        new = Session(conversation.version, locale)
        if conversation.owner == "closed":
            raise ConversationExpired
        if conversation.version == conversation.fresh_at:
            return new
        known = await self.sessions.load(conversation.tenant_id, conversation.conversation_id)
        if known is None:
            raise ConversationExpired
        # A memory of another version is of a message that was never written: what it holds never happened.
        return replace(known, locale=locale) if known.version == conversation.version else new

    async def _going_on(self, conversation: Row, cancelled: Turn, wish: str, expires: float) -> Turn:
        """What was called off, and the answer to what the text wants instead: 不退了，问下重疾险."""
        if cancelled.session is None or not self.dialogue.texts.words.asks_something(wish):
            return cancelled
        then = await self._understood(conversation, cancelled.session, wish, expires)
        aside = then.outcome == "unsure" or (then.heard is not None and then.heard.label in SMALL_TALK)
        between = "" if then.locale == "zh-CN" else " "
        return cancelled if aside else replace(then, text=f"{cancelled.text}{between}{then.text}")

    async def _understood(self, conversation: Row, session: Session, text: str, expires: float) -> Turn:
        tenant = conversation.tenant_id
        heard = await self._heard(tenant, text, expires)
        needed = self.dialogue.needs_knowledge(session, heard, text)
        found = await self.search(tenant, text, expires) if needed else None
        return self.dialogue.reply(session, text, heard, found)

    async def _heard(self, tenant: str, text: str, expires: float) -> Heard:
        with_model = self.engine.understand([text], tenant=tenant, expires=expires, priority=Priority.INTERACTIVE)
        try:
            answered = await with_model
        except QueueFull as full:
            raise ModelBusy("Too many texts are waiting.", retry_after_s=full.retry_after_s) from full
        except DeadlinePassed as late:
            raise DeadlineExceeded("The deadline passed before the message was understood.") from late
        except (NoModel, Draining) as ending:
            raise Unavailable("The model is being loaded, or this process is about to end.") from ending
        except ModelFailed as failed:
            raise Unavailable("The model failed; a person can still be asked for (转人工, human).") from failed
        [each] = answered.results
        model = f"{answered.model}/{answered.version}"
        return Heard(each.label, each.confidence, each.in_scope, each.sentiment, each.topics, model)
