"""What the bot says to a text, given what was understood and found: rules over approved texts. Pure."""

from dataclasses import dataclass, replace

from services.intent.assist.amendments import takes_back, wishes_refund_too
from services.intent.assist.answering import of_no_insurance, of_the_kind, of_the_price, of_the_wish
from services.intent.assist.context import INSURANCE, PRICES, REFUNDS, in_context, speaks_of_content
from services.intent.assist.form_turns import FormTurns
from services.intent.assist.forms import Forms
from services.intent.assist.found import Found
from services.intent.assist.hearing import INVESTS, SMALL_TALK, Hearing
from services.intent.assist.masking import says_only_numbers
from services.intent.assist.quoting import headings, quoted
from services.intent.assist.reading import is_question
from services.intent.assist.replies import Replies
from services.intent.assist.session import Session, Wish
from services.intent.assist.texts import TextLink, Texts
from services.intent.assist.turns import HandOff, Heard, Outcome, Turn
from services.intent.assist.values.choices import choice, chooses_none
from services.intent.assist.values.orders import insists_on_refund
from services.intent.assist.words import Reply
from services.intent.labels import OUT_OF_SCOPE
from services.kit.wire import Locale

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

    @property
    def replies(self) -> Replies:
        return Replies(self.texts)

    @property
    def form_turns(self) -> FormTurns:
        return FormTurns(self.texts, self.forms)

    def before_model(self, text: str, locale: Locale) -> Turn | None:
        """What needs no model and no memory: words of risk, a complaint that is called one, and the wish for a person."""
        words = self.texts.words
        if (risk := words.risk(text)) is not None:
            return self.replies.hand_off(HandOff("risk_words", risk), locale)
        complaint = self.texts.labels["feedback.complaint"]
        if complaint.reason is not None and words.complains(text):
            return self.replies.hand_off(HandOff(complaint.reason), locale, complaint.text.in_locale(locale))
        return self.replies.hand_off(HandOff("requested"), locale) if words.wants_human(text) else None

    def in_form(self, session: Session, text: str) -> Turn | None:
        """What a form that is under way makes of the text; None when it is about something else."""
        if session.form is None:
            return None
        step = self.forms.go_on(session.form, text, session.locale)
        return (
            None if step.verdict == "not_taken" else self.form_turns.stepped(step, session.settled(), session.form.name)
        )

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
        heard = self.meant(session, heard, text)
        if not self.hearing.sure(heard, text):
            return not says_only_numbers(text)
        if self.hearing.asks_advice(session, heard, text):
            return False
        way = self.texts.labels[heard.label].way
        asks = is_question(text) or self.hearing.asks_about_refund(heard, text)
        return way in {"knowledge", "knowledge_only"} or (way == "form" and asks)

    def reply(self, session: Session, text: str, heard: Heard, found: Found | None) -> Turn:
        """The bot's turn."""
        meant = self.meant(session, heard, text)
        found = self._of_what_is_asked(session, meant, text, found)
        turn = self._of_itself(session, text) or self._reply(session, text, meant, found)
        turn = replace(turn, heard=heard, retrieval=found.retrieval if found else None)
        if turn.session is not None and self.hearing.sure(meant, text):
            turn = replace(
                turn, session=replace(turn.session, subject=meant.label, kind=self._kind(session, meant, text))
            )
        if session.form is not None and turn.outcome in {"template", "knowledge", "advice", "no_answer"}:
            return self.form_turns.come_back_to(turn, session)
        return self._refund_too(turn, text)

    def meant(self, session: Session, heard: Heard, text: str) -> Heard:
        """What was heard, behind what was said before."""
        return in_context(session, heard, text, on_refund=self.texts.words.asks_about_refund(text))

    def asked(self, session: Session, heard: Heard, text: str) -> str:
        """A text with what it is about and does not name itself: the kind of insurance, or the refund, that was spoken of before."""
        meant, zh = self.meant(session, heard, text), session.locale == "zh-CN"
        if meant.label == REFUNDS and heard.label != REFUNDS:
            return f"退款{text}" if zh else f"refund {text}"
        kind = self._kind(session, meant, text)
        if not kind or self.forms.names.categories.named(text):
            return text
        return f"{self.forms.names.category_titles[kind][session.locale]}{'' if zh else ' '}{text}"

    def form_of(self, heard: Heard, text: str) -> str | None:
        """The form that a text plainly wishes for."""
        by_form = self.hearing.sure(heard, text) and not is_question(text)
        return self.texts.labels[heard.label].form if by_form else None

    def besides(self, turn: Turn, heard: Heard, text: str) -> Turn:
        """The turn, with another form that is wished for in the same breath."""
        form = self.form_of(heard, text)
        return turn if form is None else self.form_turns.waiting(turn, Wish(form, heard.label, text))

    def _of_what_is_asked(self, session: Session, meant: Heard, text: str, found: Found | None) -> Found | None:
        """What of a find is on what was asked: the same insurance, or none, and the same wish."""
        kinds = self.forms.names.categories
        if self.hearing.sure(meant, text):
            found = of_the_price(found) if meant.label == PRICES else found
            found = found if meant.label.startswith(INSURANCE) else of_no_insurance(found, text, kinds)
        return of_the_wish(of_the_kind(found, self._kind(session, meant, text), kinds), text)

    def _kind(self, session: Session, heard: Heard, text: str) -> str:
        """The kind of insurance that a text on insurance is about: named in it, asked for in the form, or spoken of before."""
        if not heard.label.startswith(INSURANCE):
            return ""
        in_form = str(session.form.slots.get("category") or "") if session.form is not None else ""
        return self.forms.names.categories.code(text) or in_form or session.kind

    def _refund_too(self, turn: Turn, text: str) -> Turn:
        """Of two wishes, the one that was answered and the refund that a clause of the text wants besides."""
        answered = turn.session is not None and turn.session.form is None and turn.outcome in _ANSWERED
        of_policy = turn.heard is not None and turn.heard.label.startswith(INSURANCE) and not speaks_of_content(text)
        if turn.session is None or not answered or of_policy or not wishes_refund_too(text):
            return turn
        begun = self._by_form(turn.session, "", REFUNDS, _OF_REFUNDS)
        after = replace(begun.session, offered=turn.session.offered) if begun.session is not None else None
        return replace(turn, text=f"{turn.text}\n{begun.text}", session=after, slots=begun.slots)

    def _reply(self, session: Session, text: str, heard: Heard, found: Found | None) -> Turn:
        locale = session.locale
        if (withheld := self._withheld(session, text, heard, found)) is not None:
            return withheld
        if found is not None and found.passages:
            return quoted(self.texts, session, found.passages[0])
        if found is not None and found.near and self._may_offer(session, heard, text):
            return self.replies.offered(session, found, heard.label if self.hearing.sure(heard, text) else "")
        if not self.hearing.sure(heard, text):
            if session.form is None and any(self.texts.words.says(nod, text) for nod in _NODS):
                return self.replies.told(session, "thanks_bye")
            foreign = self.texts.labels[OUT_OF_SCOPE].text.in_locale(locale)
            return self._not_understood(session, text, None if heard.in_scope else foreign)
        return self._by_label(session, text, heard.label)

    def _by_label(self, session: Session, text: str, label: str) -> Turn:
        locale, answer = session.locale, self.texts.labels[label]
        if (otherwise := self._otherwise(session, text, label)) is not None:
            return otherwise
        if answer.reason is not None:
            return self.replies.hand_off(HandOff(answer.reason), locale, answer.text.in_locale(locale))
        if session.form is not None and label in SMALL_TALK:
            return self.form_turns.standing(session)
        if answer.form is not None:
            return self._by_form(session, text, label, answer.form)
        if answer.way == "knowledge_only":
            return self.replies.no_answer(session, answer)
        return self.replies.told(session, label)

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
            return self.replies.no_answer(session, answer, self.texts.say("refund_asked", locale))
        if session.form is not None:
            return self.form_turns.another(session, text, answer)
        return self.form_turns.begun(session, text, form, answer)

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

    def _not_understood(self, session: Session, text: str, said: str | None) -> Turn:
        """`said` in place of the words for a text that something known was half heard in."""
        upset = self.texts.words.is_upset(text)
        said = self.texts.say("upset", session.locale) if upset else said or self.texts.say("unsure", session.locale)
        if session.form is not None:
            return self.form_turns.asked_again(session, said if upset or is_question(text) else None)
        return self.replies.unsure(session, said, upset=upset)

    def _of_itself(self, session: Session, text: str) -> Turn | None:
        """The turn for a text about the bot or what it said or took down: is it a robot, that did not help, that was wrong."""
        words, locale = self.texts.words, session.locale
        if words.says("robot", text):
            return self.replies.told(session, "greeting")
        if session.form is not None:
            if words.says("small_talk", text) and not is_question(text):
                return self.form_turns.standing(session)
            again = session.form.name == _OF_REFUNDS and insists_on_refund(text)
            return self.form_turns.asked_again(session, lead="") if again else None
        if words.says("not_helped", text):
            return self._not_understood(session, text, self.texts.say("not_helped", locale))
        if session.sent and (takes_back(text) or self.forms.corrects(text)):
            return self.replies.no_answer(
                session, self.texts.labels[OUT_OF_SCOPE], self.texts.say("already_sent", locale)
            )
        return None
