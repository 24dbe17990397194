"""Turns in which a form is begun, asked for, left for another and come back to. Pure."""

from dataclasses import dataclass, replace

from services.intent.assist.context import names_form
from services.intent.assist.forms import Forms, Step
from services.intent.assist.reading import is_question
from services.intent.assist.replies import Replies, gap
from services.intent.assist.session import FormState, Session, Wish
from services.intent.assist.texts import LabelAnswer, Texts
from services.intent.assist.turns import Action, HandOff, Outcome, Turn


@dataclass(frozen=True, slots=True)
class FormTurns:
    """What the forms make of a conversation, as turns."""

    texts: Texts
    forms: Forms

    def begun(self, session: Session, text: str, form: str, answer: LabelAnswer | None) -> Turn:
        """The first question of a form, behind the text of the label."""
        step = self.forms.begin(form, text, session.locale, session.kind)
        return self.stepped(step, session.settled(), form, answer)

    def stepped(self, step: Step, session: Session, form: str, answer: LabelAnswer | None = None) -> Turn:
        """A step of a form; behind one that was sent, the form that was wished for besides begins."""
        locale = session.locale
        if step.verdict == "given_up":
            return Replies(self.texts).hand_off(HandOff("form"), locale)
        outcome: Outcome = "form"
        if step.verdict in {"done", "cancelled"}:
            outcome = "action" if step.verdict == "done" else "cancelled"
        texts = self.texts.forms[form]
        lead = f"{answer.text.in_locale(locale)}{gap(locale)}" if answer else ""
        turn = Turn(
            locale,
            outcome,
            lead + step.text,
            replace(session, form=step.state, sent=step.done is not None),
            action=Action(texts.action, step.done) if step.done is not None else None,
            links=texts.links if step.done is not None else (),
            slots=step.state.slots if step.state else {},
        )
        return self.next_wish(turn) if step.verdict == "done" else turn

    def next_wish(self, turn: Turn) -> Turn:
        """The form that waits is begun behind the turn."""
        session = turn.session
        if session is None or session.form is not None or session.wish is None:
            return turn
        wish = session.wish
        before = replace(session, wish=None, kind="")
        then = self.begun(before, wish.text, wish.form, self.texts.labels[wish.label])
        after = replace(then.session, sent=session.sent) if then.session is not None else None
        return replace(turn, text=f"{turn.text}\n{then.text}", session=after, slots=then.slots)

    def waiting(self, turn: Turn, wish: Wish) -> Turn:
        """The turn, with another form that is wished for: it waits for the one under way, or is begun behind what was answered."""
        session = turn.session
        if session is None or session.wish is not None:
            return turn
        if session.form is None:
            return self.next_wish(replace(turn, session=replace(session, wish=wish)))
        if session.form.name == wish.form:
            return turn
        both = self.texts.say_in_form("both", session.locale)
        text = f"{both}{gap(session.locale) if both else ''}{turn.text}"
        return replace(turn, text=text, session=replace(session, wish=wish))

    def another(self, session: Session, text: str, answer: LabelAnswer) -> Turn:
        """A wish for another form ends the one under way, and says so; the same wish once more, or a question, does not."""
        form = _under_way(session)
        if answer.form is None:
            raise ValueError("no form is wished for")
        if answer.form == form.name:
            return self.asked_again(session, answer.text.in_locale(session.locale) if is_question(text) else "")
        if is_question(text):
            return self.asked_again(session, self.texts.say_in_form("one_each", session.locale))
        if not names_form(answer.form, text):
            return self.asked_again(session)
        turn = self.begun(replace(session, kind="", wish=None), text, answer.form, answer)
        dropped = self.texts.say_in_form("cancelled", session.locale)
        return replace(turn, text=f"{dropped}{gap(session.locale)}{turn.text}")

    def standing(self, session: Session) -> Turn:
        """The question of the moment, which nobody has failed to answer."""
        form = _under_way(session)
        return self.stepped(self.forms.stand(form, session.locale), session.settled(), form.name)

    def asked_again(self, session: Session, lead: str | None = None) -> Turn:
        """`lead` in place of the words that the text was not understood."""
        form = _under_way(session)
        return self.stepped(self.forms.ask_again(form, session.locale, lead), session, form.name)

    def come_back_to(self, turn: Turn, session: Session) -> Turn:
        """After something else was answered, the form's question stands again."""
        form, locale = _under_way(session), session.locale
        question = self.forms.stand(form, locale).text
        text = f"{turn.text}\n{self.texts.say('back_to_form', locale)}{gap(locale)}{question}"
        return replace(turn, text=text, slots=form.slots)


def _under_way(session: Session) -> FormState:
    if session.form is None:
        raise ValueError("no form is under way")
    return session.form
