"""What the bot says to a text, given what was understood and found: rules over approved texts. Pure."""

from dataclasses import dataclass, replace

from services.intent.assist.amendments import takes_back, wishes_refund_too
from services.intent.assist.context import INSURANCE, PRICES, REFUNDS, in_context, names_form, of_the_kind, of_the_price
from services.intent.assist.forms import Forms, Step
from services.intent.assist.found import Found
from services.intent.assist.hearing import INVESTS, SMALL_TALK, Hearing
from services.intent.assist.masking import says_only_numbers
from services.intent.assist.quoting import headings, quoted
from services.intent.assist.session import Session
from services.intent.assist.texts import LabelAnswer, TextLink, Texts
from services.intent.assist.turns import Action, HandOff, Heard, Outcome, Turn
from services.intent.assist.values.choices import choice, chooses_none
from services.intent.assist.values.orders import insists_on_refund
from services.intent.assist.words import Reply, is_question
from services.intent.labels import OUT_OF_SCOPE
from services.kit.wire import Locale

IN_A_ROW = 2
"""Turns in a row that were not understood, or had no answer, after which a person takes over."""

_OF_REFUNDS = "refund"
_ANSWERED: frozenset[Outcome] = frozenset({"template", "knowledge", "no_answer", "suggestions"})
_THANKS = frozenset({"thanks_bye", "feedback.praise"})
_NODS: tuple[Reply, ...] = ("yes", "small_talk")
SUITABILITY = TextLink(rel="suitability-questions", href="/v1/suitability/questions", method="GET")


@dataclass(frozen=True, slots=True)
class Dialogue:
    """The rules. `sure_from` is the confidence from which a label is acted on, by default that of the model."""

    texts: Texts
    forms: Forms
    sure_from: float | None = None

    @property
    def hearing(self) -> Hearing:
        return Hearing(self.texts, self.sure_from)

    def before_model(self, text: str, locale: Locale) -> Turn | None:
        """What needs no model and no memory: words of risk, a complaint that is called one, and the wish for a person."""
        words = self.texts.words
        if (risk := words.risk(text)) is not None:
            return self._hand_off(HandOff("risk_words", risk), locale)
        complaint = self.texts.labels["feedback.complaint"]
        if complaint.reason is not None and words.complains(text):
            return self._hand_off(HandOff(complaint.reason), locale, complaint.text.in_locale(locale))
        return self._hand_off(HandOff("requested"), locale) if words.wants_human(text) else None

    def in_form(self, session: Session, text: str) -> Turn | None:
        """What a form that is under way makes of the text; None when it is about something else."""
        if session.form is None:
            return None
        step = self.forms.go_on(session.form, text, session.locale)
        return None if step.verdict == "not_taken" else self._stepped(step, session.settled(), session.form.name)

    def chosen(self, session: Session, text: str) -> Turn | None:
        """The passage that a text chooses of those that were offered; none of them; None when it is about something else."""
        if session.offered is None:
            return None
        offered, words = session.offered.near, self.texts.words
        titles = [each.citation.nearest for each in offered]
        place = choice(text, titles)
        if place is None and len(offered) == 1 and words.says("yes", text):
            place = 0
        if place is not None:
            return replace(quoted(self.texts, session, offered[place]), retrieval=session.offered.retrieval)
        none = words.says("no", text) or chooses_none(text)
        return self._not_understood(session, text, self.texts.say("not_helped", session.locale)) if none else None

    def needs_knowledge(self, session: Session, heard: Heard, text: str) -> bool:
        """Whether the knowledge base is to be searched for this text."""
        if self._of_itself(session, text) is not None or not any(char.isalpha() for char in text):
            return False
        if not self.hearing.sure(heard, text):
            return not says_only_numbers(text)
        if self.hearing.asks_advice(session, heard, text):
            return False
        way = self.texts.labels[heard.label].way
        asks = is_question(text) or self.hearing.asks_about_refund(heard, text)
        return way in {"knowledge", "knowledge_only"} or (way == "form" and asks)

    def reply(self, session: Session, text: str, heard: Heard, found: Found | None) -> Turn:
        """The bot's turn."""
        meant = in_context(session, heard, text)
        found = of_the_price(found) if self.hearing.sure(meant, text) and meant.label == PRICES else found
        found = of_the_kind(found, self._kind(session, meant, text), self.forms.names.categories)
        turn = self._of_itself(session, text) or self._reply(session, text, meant, found)
        turn = replace(turn, heard=heard, retrieval=found.retrieval if found else None)
        if turn.session is not None and self.hearing.sure(meant, text):
            turn = replace(
                turn, session=replace(turn.session, subject=meant.label, kind=self._kind(session, meant, text))
            )
        if session.form is not None and turn.outcome in {"template", "knowledge", "advice", "no_answer"}:
            return self._back_to_form(turn, session)
        return self._refund_too(turn, text)

    def _kind(self, session: Session, heard: Heard, text: str) -> str:
        """The kind of insurance that a text on insurance is about: named in it, asked for in the form, or spoken of before."""
        if not heard.label.startswith(INSURANCE):
            return ""
        in_form = str(session.form.slots.get("category") or "") if session.form is not None else ""
        return self.forms.names.categories.code(text) or in_form or session.kind

    def _refund_too(self, turn: Turn, text: str) -> Turn:
        """Of two wishes, the one that was answered and the refund that a clause of the text wants besides."""
        answered = turn.session is not None and turn.session.form is None and turn.outcome in _ANSWERED
        if turn.session is None or not answered or not wishes_refund_too(text):
            return turn
        begun = self._by_form(turn.session, "", REFUNDS, _OF_REFUNDS)
        return replace(turn, text=f"{turn.text}\n{begun.text}", session=begun.session, slots=begun.slots)

    def _reply(self, session: Session, text: str, heard: Heard, found: Found | None) -> Turn:
        locale = session.locale
        if (withheld := self._withheld(session, text, heard, found)) is not None:
            return withheld
        if found is not None and found.passages:
            return quoted(self.texts, session, found.passages[0])
        if found is not None and found.near and self._may_offer(session, heard, text):
            return self._offered(session, found, heard.label if self.hearing.sure(heard, text) else "")
        if not self.hearing.sure(heard, text):
            if session.form is None and any(self.texts.words.says(nod, text) for nod in _NODS):
                return self._told(session, "thanks_bye")
            foreign = self.texts.labels[OUT_OF_SCOPE].text.in_locale(locale)
            return self._not_understood(session, text, None if heard.in_scope else foreign)
        return self._by_label(session, text, heard.label)

    def _by_label(self, session: Session, text: str, label: str) -> Turn:
        locale, answer = session.locale, self.texts.labels[label]
        if (otherwise := self._otherwise(session, text, label)) is not None:
            return otherwise
        if answer.reason is not None:
            return self._hand_off(HandOff(answer.reason), locale, answer.text.in_locale(locale))
        if session.form is not None and label in SMALL_TALK:
            return self._stepped(self.forms.stand(session.form, locale), session.settled(), session.form.name)
        if answer.form is not None:
            return self._by_form(session, text, label, answer.form)
        if answer.way == "knowledge_only":
            return self._no_answer(session, answer)
        return self._told(session, label)

    def _otherwise(self, session: Session, text: str, label: str) -> Turn | None:
        """The turn where the words say otherwise than the model heard: no wish for a person, no thanks."""
        requested = self.texts.labels[label].reason == "requested"
        if requested and self.texts.words.declines_human(text):
            said = self.texts.say("no_hand_off", session.locale)
            return Turn(session.locale, "template", said, session.settled())
        asks = session.form is None and label in _THANKS and is_question(text)
        sounds = requested and self.texts.words.sounds_human(text)
        return self._not_understood(session, text, None) if asks or sounds else None

    def _by_form(self, session: Session, text: str, label: str, form: str) -> Turn:
        locale, answer = session.locale, self.texts.labels[label]
        if label == REFUNDS and self.texts.words.asks_about_refund(text) and not wishes_refund_too(text):
            return self._no_answer(session, answer, self.texts.say("refund_asked", locale))
        if session.form is not None:
            return self._another_form(session, text, answer)
        begun = self.forms.begin(form, text, locale, session.kind)
        return self._stepped(begun, session.settled(), form, answer)

    def _told(self, session: Session, label: str) -> Turn:
        """The label's text. Said once already it has not helped: the second time it is owned up to, the third a person takes over."""
        answer = self.texts.labels[label]
        if session.told != label or label in SMALL_TALK:
            after = replace(session.settled(), told=label)
            return Turn(session.locale, "template", answer.text.in_locale(session.locale), after, links=answer.links)
        return self._no_answer(session, answer, self.texts.say("repeated", session.locale))

    def _stepped(self, step: Step, session: Session, form: str, answer: LabelAnswer | None = None) -> Turn:
        locale = session.locale
        if step.verdict == "given_up":
            return self._hand_off(HandOff("form"), locale)
        outcome: Outcome = "form"
        if step.verdict in {"done", "cancelled"}:
            outcome = "action" if step.verdict == "done" else "cancelled"
        texts = self.texts.forms[form]
        lead = f"{answer.text.in_locale(locale)}{_gap(locale)}" if answer else ""
        return Turn(
            locale,
            outcome,
            lead + step.text,
            replace(session, form=step.state, sent=step.done is not None),
            action=Action(texts.action, step.done) if step.done is not None else None,
            links=texts.links if step.done is not None else (),
            slots=step.state.slots if step.state else {},
        )

    def _another_form(self, session: Session, text: str, answer: LabelAnswer) -> Turn:
        """A wish for another form ends the one under way, and says so; the same wish once more, or a question, does not."""
        if session.form is None or answer.form is None:
            raise ValueError("no form is under way, or none is wished for")
        if answer.form == session.form.name or is_question(text):
            return self._asked_again(session, answer.text.in_locale(session.locale) if is_question(text) else "")
        if not names_form(answer.form, text):
            return self._asked_again(session)
        begun = self.forms.begin(answer.form, text, session.locale)
        turn = self._stepped(begun, session.settled(), answer.form, answer)
        dropped = self.texts.say_in_form("cancelled", session.locale)
        return replace(turn, text=f"{dropped}{_gap(session.locale)}{turn.text}")

    def _asked_again(self, session: Session, lead: str | None = None) -> Turn:
        """`lead` in place of the words that the text was not understood."""
        if session.form is None:
            raise ValueError("no form is under way")
        return self._stepped(self.forms.ask_again(session.form, session.locale, lead), session, session.form.name)

    def _back_to_form(self, turn: Turn, session: Session) -> Turn:
        """After something else was answered, the form's question stands again."""
        if session.form is None:
            raise ValueError("no form is under way")
        locale = session.locale
        question = self.forms.stand(session.form, locale).text
        text = f"{turn.text}\n{self.texts.say('back_to_form', locale)}{_gap(locale)}{question}"
        return replace(turn, text=text, slots=session.form.slots)

    def _withheld(self, session: Session, text: str, heard: Heard, found: Found | None) -> Turn | None:
        """Who decides, where advice or a promise is wanted. For a promise, what was found is offered by its headings: quoted it would
        be taken for one.
        """
        locale = session.locale
        if self.hearing.asks_promise(session, heard, text):
            said = self.texts.say("no_promise", locale)
            near = (*found.passages, *found.near) if found is not None and session.form is None else ()
            if found is None or not near:
                return Turn(locale, "advice", said, session.settled())
            return headings(self.texts, session.settled(), replace(found, passages=(), near=near), said)
        if not self.hearing.asks_advice(session, heard, text):
            return None
        invests = self.hearing.sure(heard, text) and heard.label == INVESTS
        said = self.texts.labels[INVESTS].text.in_locale(locale) if invests else self.texts.say("advice", locale)
        return Turn(locale, "advice", said, session.settled(), links=(SUITABILITY,))

    def _may_offer(self, session: Session, heard: Heard, text: str) -> bool:
        """Whether passages that only come near are offered: in no form, and not where one begins, as for what an insurance costs."""
        by_form = self.hearing.sure(heard, text) and self.texts.labels[heard.label].form is not None
        return session.form is None and (not by_form or self.hearing.asks_about_refund(heard, text))

    def _offered(self, session: Session, found: Found, label: str) -> Turn:
        """The headings of what comes near, behind the text of the label where it has one that was not said just now.

        Who chooses none of those before has had no answer.
        """
        unanswered = session.unanswered + (session.offered is not None)
        if unanswered >= IN_A_ROW:
            return self._no_answer(session, self.texts.labels[OUT_OF_SCOPE])
        answer = self.texts.labels.get(label)
        told = answer.text.in_locale(session.locale) if answer and answer.way == "knowledge" else ""
        lead = told if session.told != label else ""
        after = replace(session.settled(), unanswered=unanswered, told=label if told else "")
        return headings(self.texts, after, found, lead, answer.links if answer and lead else ())

    def _not_understood(self, session: Session, text: str, said: str | None) -> Turn:
        """`said` in place of the words for a text that something known was half heard in."""
        upset = self.texts.words.is_upset(text)
        said = self.texts.say("upset", session.locale) if upset else said or self.texts.say("unsure", session.locale)
        if session.form is not None:
            return self._asked_again(session, said if upset or is_question(text) else None)
        if session.unsure + 1 >= IN_A_ROW:
            why = self.texts.say("hand_off.low_confidence", session.locale)
            why = self.texts.labels["feedback.complaint"].text.in_locale(session.locale) if upset else why
            return self._hand_off(HandOff("low_confidence"), session.locale, why)
        return Turn(session.locale, "unsure", said, replace(session, unsure=session.unsure + 1, offered=None))

    def _no_answer(self, session: Session, answer: LabelAnswer, said: str | None = None) -> Turn:
        """`said` in place of the label's text."""
        if session.unanswered + 1 >= IN_A_ROW:
            why = self.texts.say("hand_off.no_answer", session.locale)
            return self._hand_off(HandOff("no_answer"), session.locale, why)
        after = replace(session, unsure=0, unanswered=session.unanswered + 1, offered=None)
        said = said or answer.text.in_locale(session.locale)
        return Turn(session.locale, "no_answer", said, after, links=answer.links)

    def _hand_off(self, hand_off: HandOff, locale: Locale, why: str = "") -> Turn:
        if hand_off.detail in {"self_harm", "fraud"}:
            why = self.texts.say(f"hand_off.{hand_off.detail}", locale)
        told = self.texts.say("hand_off", locale)
        return Turn(locale, "hand_off", f"{why}{_gap(locale)}{told}" if why else told, hand_off=hand_off)

    def _of_itself(self, session: Session, text: str) -> Turn | None:
        """The turn for a text about the bot or what it said or took down: is it a robot, that did not help, that was wrong."""
        words, locale = self.texts.words, session.locale
        if words.says("robot", text):
            return self._told(session, "greeting")
        if session.form is not None:
            if words.says("small_talk", text) and not is_question(text):
                return self._stepped(self.forms.stand(session.form, locale), session.settled(), session.form.name)
            again = session.form.name == _OF_REFUNDS and insists_on_refund(text)
            return self._asked_again(session, lead="") if again else None
        if words.says("not_helped", text):
            return self._not_understood(session, text, self.texts.say("not_helped", locale))
        if session.sent and takes_back(text):
            return self._no_answer(session, self.texts.labels[OUT_OF_SCOPE], self.texts.say("already_sent", locale))
        return None


def _gap(locale: Locale) -> str:
    return "" if locale == "zh-CN" else " "
