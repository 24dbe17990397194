"""The bot's turn: rules first, then its memory, the model and the knowledge base. It reads; the routes write."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from services.intent.assist.amendments import behind_cancel
from services.intent.assist.conversations import Row
from services.intent.assist.dialogue import Dialogue
from services.intent.assist.faults import ConversationClosed, ConversationExpired, ModelBusy
from services.intent.assist.found import Found
from services.intent.assist.hearing import SMALL_TALK
from services.intent.assist.metrics import TURN_SECONDS
from services.intent.assist.reading import language, without_greeting
from services.intent.assist.session import Session
from services.intent.assist.sessions import Sessions
from services.intent.assist.turns import Heard, Turn, behind
from services.intent.assist.wishes import parts_of, searched_for
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
            turn = self.dialogue.form_turns.next_wish(turn)
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
        if session.form is None and (turn := await self._of_several(tenant, session, text, expires)) is not None:
            return turn
        [heard] = await self._heard(tenant, [text], expires)
        return await self._answered(tenant, session, text, heard, expires)

    async def _of_several(self, tenant: str, session: Session, text: str, expires: float) -> Turn | None:
        """The turn for a text that wants several things: what it asks is answered, then its forms are begun one after the other.

        None where it wants one, or one of them has no answer; behind a comma alone only two forms are two wishes.
        """
        parts, plainly = parts_of(text)
        heard = await self._heard(tenant, parts, expires) if len(parts) > 1 else []
        said = list(zip(parts, heard, strict=True)) if heard else []
        forms = [self.dialogue.form_of(each, part) for part, each in said]
        apart = len({each.label for each in heard}) == len(parts) if plainly else len({*forms} - {None}) == len(parts)
        if not said or not apart:
            return None
        turn: Turn | None = None
        for (part, each), form in sorted(zip(said, forms, strict=True), key=lambda pair: pair[1] is not None):
            if turn is not None and form is not None:
                turn = self.dialogue.besides(turn, each, part)
                continue
            after = turn.session if turn is not None and turn.session is not None else session
            # A number chooses a heading of one list, or answers the question of a form: there is one list, and none before a form.
            offers = not any(forms) and (turn is None or turn.outcome != "suggestions")
            then = await self._answered(tenant, after, part, each, expires, offers=offers)
            if then.outcome in {"unsure", "no_answer", "hand_off"} or (then.outcome == "suggestions" and not offers):
                return None
            turn = behind(turn, then) if turn is not None else then
        return turn

    async def _answered(
        self, tenant: str, session: Session, text: str, heard: Heard, expires: float, *, offers: bool = True
    ) -> Turn:
        """`offers`: what only comes near may be offered."""
        dialogue = self.dialogue
        found = None
        if dialogue.needs_knowledge(session, heard, text):
            plain = searched_for(without_greeting(text))
            named = dialogue.asked(session, heard, plain)
            found = await self.search(tenant, plain, expires)
            if named != plain and found is not None and not found.passages:
                found = _better(found, await self.search(tenant, named, expires))
        return dialogue.reply(session, text, heard, replace(found, near=()) if found and not offers else found)

    async def _heard(self, tenant: str, texts: Sequence[str], expires: float) -> list[Heard]:
        said = [without_greeting(text) for text in texts]
        with_model = self.engine.understand(said, tenant=tenant, expires=expires, priority=Priority.INTERACTIVE)
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
        model = f"{answered.model}/{answered.version}"
        return [
            Heard(each.label, each.confidence, each.in_scope, each.sentiment, each.topics, model)
            for each in answered.results
        ]


def _better(found: Found, named: Found | None) -> Found:
    """What a question finds together with what it is about, where by itself it finds nothing that answers."""
    return named if named is not None and (named.passages or not found.near) else found
