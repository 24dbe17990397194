"""Turns that say an approved text, offer headings, or lead to a person; and what is remembered of having said so. Pure."""

from dataclasses import dataclass, replace

from services.intent.assist.found import Found
from services.intent.assist.hearing import SMALL_TALK
from services.intent.assist.quoting import headings
from services.intent.assist.session import Session
from services.intent.assist.texts import LabelAnswer, Texts
from services.intent.assist.turns import HandOff, Turn
from services.intent.labels import OUT_OF_SCOPE
from services.kit.wire import Locale

IN_A_ROW = 2
"""Turns in a row that were not understood, or had no answer, after which a person takes over."""


@dataclass(frozen=True, slots=True)
class Replies:
    """What is said out of the texts, where no form is asked for."""

    texts: Texts

    def told(self, session: Session, label: str) -> Turn:
        """The label's text. Said once already it has not helped: the second time it is owned up to, the third a person takes over."""
        answer = self.texts.labels[label]
        if session.told != label or label in SMALL_TALK:
            after = replace(session.settled(), told=label)
            return Turn(session.locale, "template", answer.text.in_locale(session.locale), after, links=answer.links)
        return self.no_answer(session, answer, self.texts.say("repeated", session.locale))

    def offered(self, session: Session, found: Found, label: str) -> Turn:
        """The headings of what comes near, behind the text of the label where it has one that was not said just now.

        Who chooses none of those before has had no answer.
        """
        unanswered = session.unanswered + (session.offered is not None)
        if unanswered >= IN_A_ROW:
            return self.no_answer(session, self.texts.labels[OUT_OF_SCOPE])
        answer = self.texts.labels.get(label)
        told = answer.text.in_locale(session.locale) if answer and answer.way == "knowledge" else ""
        lead = told if session.told != label else ""
        after = replace(session.settled(), unanswered=unanswered, told=label if told else "")
        return headings(self.texts, after, found, lead, answer.links if answer and lead else ())

    def unsure(self, session: Session, said: str, *, upset: bool) -> Turn:
        """That a text was not understood; the second time in a row a person takes over."""
        if session.unsure + 1 >= IN_A_ROW:
            why = self.texts.say("hand_off.low_confidence", session.locale)
            why = self.texts.labels["feedback.complaint"].text.in_locale(session.locale) if upset else why
            return self.hand_off(HandOff("low_confidence"), session.locale, why)
        return Turn(session.locale, "unsure", said, replace(session, unsure=session.unsure + 1, offered=None))

    def no_answer(self, session: Session, answer: LabelAnswer, said: str | None = None) -> Turn:
        """That nothing at hand answers; the second time in a row a person takes over. `said` in place of the label's text."""
        if session.unanswered + 1 >= IN_A_ROW:
            why = self.texts.say("hand_off.no_answer", session.locale)
            return self.hand_off(HandOff("no_answer"), session.locale, why)
        after = replace(session, unsure=0, unanswered=session.unanswered + 1, offered=None)
        said = said or answer.text.in_locale(session.locale)
        return Turn(session.locale, "no_answer", said, after, links=answer.links)

    def hand_off(self, hand_off: HandOff, locale: Locale, why: str = "") -> Turn:
        """A person takes over. `why` stands before."""
        if hand_off.detail in {"self_harm", "fraud"}:
            why = self.texts.say(f"hand_off.{hand_off.detail}", locale)
        told = self.texts.say("hand_off", locale)
        return Turn(locale, "hand_off", f"{why}{gap(locale)}{told}" if why else told, hand_off=hand_off)


def gap(locale: Locale) -> str:
    """What stands between two sentences."""
    return "" if locale == "zh-CN" else " "
