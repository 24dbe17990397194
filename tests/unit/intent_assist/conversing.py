"""A bot over the shipped texts, what it hears, and conversations in the middle of a form."""

from dataclasses import replace
from datetime import date
from typing import Any

from services.intent.assist.dialogue import Dialogue
from services.intent.assist.forms import Forms
from services.intent.assist.found import Citation, Found, Passage
from services.intent.assist.session import FormState, Session
from services.intent.assist.texts import load_texts
from services.intent.assist.turns import Heard, Turn
from services.intent.assist.values.places import load_names

TEXTS = load_texts()
FORMS = Forms(TEXTS, load_names(), lambda: date(2026, 11, 25))
DIALOGUE = Dialogue(TEXTS, FORMS)
FRESH = Session(1, "zh-CN")
QUOTE = "重疾险的等待期是 90 天，保费 120 元起，我们保证赔付。"
PASSAGE = Passage(QUOTE, Citation("d", 1, 1, "帮助中心", "等待期", None, 0.9))
NOTHING = Found((), "lexical")


def heard(label: str, *, confidence: float = 0.9, in_scope: bool = True, topics: tuple[str, ...] = ()) -> Heard:
    return Heard(label, confidence, in_scope, "neutral", topics, "intent/1")


def reply(label: str, text: str = "随便问问", session: Session = FRESH, found: Found | None = None, **how: Any) -> Turn:
    return DIALOGUE.reply(session, text, heard(label, **how), found)


def in_form(session: Session, *texts: str) -> Turn:
    for text in texts:
        turn = DIALOGUE.in_form(session, text)
        assert turn is not None, text
        session = turn.session or session
    return turn


def form_after(session: Session, *texts: str) -> FormState | None:
    turn = in_form(session, *texts)
    assert turn.session is not None
    return turn.session.form


QUOTE_BIRTH = replace(FRESH, form=FormState("quote", {"category": "medical"}, asked="birth"))
REFUND_ORDER = replace(FRESH, form=FormState("refund", {}, asked="order"))
REFUND_REASON = replace(FRESH, form=FormState("refund", {"order": "A1"}, asked="reason"))
