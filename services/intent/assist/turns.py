"""What one message leads to. Values only, no framework."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from services.intent.assist.found import Citation
from services.intent.assist.session import Session
from services.intent.assist.texts import TextLink
from services.intent.labels import Sentiment
from services.kit.wire import Locale

Owner = Literal["bot", "agent", "closed"]
Outcome = Literal[
    "template",
    "advice",
    "knowledge",
    "suggestions",
    "no_answer",
    "unsure",
    "form",
    "action",
    "cancelled",
    "hand_off",
    "silent",
]
Reason = Literal["requested", "low_confidence", "no_answer", "complaint", "risk_words", "form", "agent"]


@dataclass(frozen=True, slots=True)
class Heard:
    """What the model understood, and which model."""

    label: str
    confidence: float
    in_scope: bool
    sentiment: Sentiment
    topics: tuple[str, ...]
    model: str


@dataclass(frozen=True, slots=True)
class Action:
    """What the platform is to do: the bot itself does nothing."""

    type: str
    slots: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class HandOff:
    """Why a person takes over; `detail` is the kind of risk words."""

    reason: Reason
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """What becomes of one message.

    `text` is None when the bot is silent. `quotes` are the parts of it that stand in a cited passage, `echoes` those that the person
    said. `session` is the bot's memory afterwards, None when nothing is to be remembered. `retrieval` says how the knowledge base was
    searched, None when it was not.
    """

    locale: Locale
    outcome: Outcome
    text: str | None = None
    session: Session | None = None
    heard: Heard | None = None
    quotes: tuple[str, ...] = ()
    citations: tuple[Citation, ...] = ()
    links: tuple[TextLink, ...] = ()
    action: Action | None = None
    hand_off: HandOff | None = None
    retrieval: Literal["hybrid", "lexical"] | None = None
    slots: Mapping[str, Any] = field(default_factory=dict)


def behind(first: Turn, then: Turn) -> Turn:
    """Two answers to one text as one turn. What the first offered to show can still be chosen."""
    offered = first.session.offered if first.session is not None else None
    after = replace(then.session, offered=offered) if then.session is not None and offered is not None else then.session
    return replace(
        then,
        session=after,
        text=f"{first.text}\n{then.text}",
        quotes=(*first.quotes, *then.quotes),
        citations=(*first.citations, *then.citations),
        links=tuple(dict.fromkeys((*first.links, *then.links))),
        retrieval=then.retrieval or first.retrieval,
    )
