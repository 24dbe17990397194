"""Forms: asked one thing at a time, corrected at any time, confirmed at the end. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

from services.intent.assist.amendments import (
    CLAUSES,
    STRICT,
    Amendments,
    all_filled,
    asks,
    behind_cancel,
    behind_no,
    filled,
    lets_go,
)
from services.intent.assist.reading import folded
from services.intent.assist.session import FormState
from services.intent.assist.slots import Slots, values_of
from services.intent.assist.texts import FormTexts, Slot, Texts
from services.intent.assist.values.orders import insists_on_refund
from services.intent.assist.values.places import Gazetteer
from services.intent.assist.wishes import is_wish
from services.kit.wire import Locale

TRIES = 2
_CALLED_OFF = re.compile(r"不.{0,2}[退办]|取消|不报价|cancel|stop")
_DOUBT = re.compile(r"[?？]|[吗么]\W*$")
"""是吗？ confirms nothing."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a form makes of a text. `state` is None when it has ended; `done` holds the slots when it was confirmed."""

    verdict: Literal["asked", "confirm", "done", "cancelled", "not_taken", "given_up"]
    state: FormState | None
    text: str = ""
    done: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Forms:
    """The forms of the texts, with what reads their slots."""

    texts: Texts
    names: Gazetteer
    today: Callable[[], date]

    @property
    def slots(self) -> Slots:
        return Slots(self.texts, self.names, self.today)

    @property
    def amendments(self) -> Amendments:
        return Amendments(self.slots)

    def begin(self, name: str, text: str, locale: Locale, kind: str = "") -> Step:
        """Start with what the first message says already, and the kind of insurance that was spoken of before."""
        form = self.texts.forms[name]
        asked = [slot.name for slot in form.slots if slot.kind == "category"]
        unlisted = bool(asked) and self.slots.is_unlisted(text)
        before = {each: kind for each in asked if kind and not unlisted}
        state = FormState(name, before | self.slots.volunteered(form, text))
        return self._next(state, locale, self.texts.say_in_form("not_listed", locale) if unlisted else "")

    def go_on(self, state: FormState, text: str, locale: Locale) -> Step:
        """Take a text as an answer, a correction, a confirmation or a cancellation; `not_taken` when it is none of them."""
        form = self.texts.forms[state.name]
        if self._calls_off(form, state, text):
            return Step("cancelled", None, self.texts.say_in_form("cancelled", locale))
        if not state.asked and self._confirms(form, text):
            return Step("done", None, form.done.in_locale(locale), dict(state.slots))
        if (anew := self.amendments.anew(form, state, text)) is not None:
            return self._next(anew, locale)
        if (more := self.amendments.one_more(form, state, text)) is not None:
            said = "one_each" if more.slots == state.slots else "changed"
            return self._next(more, locale, self.texts.say_in_form(said, locale))
        if (corrected := self.amendments.corrected(form, state, text)) is not None:
            return self._next(corrected, locale, self.texts.say_in_form("changed", locale))
        return (
            self._answered(form, state, text, locale) if state.asked else self._unconfirmed(form, state, text, locale)
        )

    def corrects(self, text: str) -> bool:
        """Whether a text says 不对 or "no" and then what a form holds: after it was sent too."""
        meant = behind_no(text)
        held = (self.slots.volunteered(form, meant) for form in self.texts.forms.values())
        return bool(meant) and not asks(text) and any(held)

    def ask_again(self, state: FormState, locale: Locale, lead: str | None = None) -> Step:
        """The question of the moment, once more; given up after `TRIES` texts that could not be read."""
        if state.tries >= TRIES:
            return Step("given_up", None)
        lead = self.texts.say_in_form("again", locale) if lead is None else lead
        return replace(self._next(replace(state, tries=state.tries + 1), locale, lead), verdict="asked")

    def stand(self, state: FormState, locale: Locale) -> Step:
        """The question of the moment, which nobody has failed to answer."""
        return self._next(state, locale)

    def _answered(self, form: FormTexts, state: FormState, text: str, locale: Locale) -> Step:
        slot = next(each for each in form.slots if each.name == state.asked)
        if (unanswered := self._unanswered(form, slot, state, text, locale)) is not None:
            return unanswered
        said = self.slots.volunteered(form, text)
        others = {name: each for name, each in said.items() if name not in state.slots and name != slot.name}
        told = replace(state, slots={**others, **state.slots})
        value = self.slots.value(slot, text, bare=True)
        if value is not None:
            return self._next(filled(told, slot, value), locale)
        if self.slots.is_beside(slot, text):
            return self.ask_again(told, locale, _about(slot, locale))
        if slot.optional and self.texts.words.is_undecided(text):
            return self._next(filled(told, slot, None), locale)
        return self._beside(form, told, said, others, locale)

    def _unanswered(self, form: FormTexts, slot: Slot, state: FormState, text: str, locale: Locale) -> Step | None:
        """What comes of a text that asks something, skips the question or has nothing to give; None where it may answer."""
        if (about := self._asked_about(form, slot, text, locale)) is not None:
            return self._next(state, locale, about)
        skipped = self.slots.has_no_order(text) if slot.kind == "order" else self.texts.words.says("skip", text)
        if slot.optional and (skipped or self.texts.words.says("no", text)):
            return self._next(filled(state, slot, None), locale)
        if slot.kind == "category" and self.slots.is_unlisted(text):
            return self.ask_again(state, locale, self.texts.say_in_form("not_listed", locale))
        if slot.kind not in {"words", "order"} and asks(text):
            return Step("not_taken", state)
        return self.ask_again(state, locale, _about(slot, locale)) if skipped and slot.kind != "words" else None

    def _confirms(self, form: FormTexts, text: str) -> bool:
        """Yes, which is no doubt (是吗？); of a refund the wish for it once more is one too."""
        if _DOUBT.search(text):
            return False
        return self.texts.words.says("yes", text) or (form.action == "refund.request" and insists_on_refund(text))

    def _beside(
        self, form: FormTexts, state: FormState, said: Mapping[str, Any], others: Mapping[str, Any], locale: Locale
    ) -> Step:
        """A text that does not say what was asked for: it says something else of the form, the same once more, or nothing of it."""
        differing = {name: each for name, each in values_of(said, form, *STRICT).items() if state.slots[name] != each}
        if differing:
            return self._next(all_filled(state, form, differing), locale, self.texts.say_in_form("changed", locale))
        if values_of(others, form, "words"):
            return self._next(state, locale, self.texts.say_in_form("reason_noted", locale))
        if others:
            return self._next(state, locale, self.texts.say_in_form("noted", locale))
        return self.ask_again(state, locale, lead="") if said else Step("not_taken", state)

    def _unconfirmed(self, form: FormTexts, state: FormState, text: str, locale: Locale) -> Step:
        """Neither yes nor a correction: another reason, that it is wanted no more, which takes no other's place, or no."""
        why = values_of(self.slots.volunteered(form, text), form, "words")
        if why and self.texts.words.says("changed_mind", text):
            return self._next(state, locale, self.texts.say_in_form("reason_noted", locale))
        if why:
            return self._next(all_filled(state, form, why), locale, self.texts.say_in_form("changed", locale))
        if behind_no(text) and not asks(text):
            return Step("asked", state, self.texts.say_in_form("which", locale))
        doubts = self.texts.words.says("no", text) or (self.texts.words.says("yes", text) and _DOUBT.search(text))
        return Step("asked", state, self.texts.say_in_form("which", locale)) if doubts else Step("not_taken", state)

    def _asked_about(self, form: FormTexts, asked: Slot, text: str, locale: Locale) -> str | None:
        """What is said of the slot that a text asks about; None where it asks about none."""
        heard = folded(text)
        meant = next((each for each in form.slots if each.is_asked_about(heard)), None)
        if meant is None and asked.is_asked_about(heard, asked=True):
            meant = asked
        return meant.about.in_locale(locale) if meant is not None and meant.about is not None else None

    def _calls_off(self, form: FormTexts, state: FormState, text: str) -> bool:
        """Whether a text calls the whole off, also when it goes on with something else: 我不想退了，我想买保险.

        What somebody wants no more ends a quote; of a refund it is the commonest reason.
        """
        words = self.texts.words
        gives_reason = any(slot.kind == "words" for slot in form.slots)
        if words.calls_off(text) or (words.says("changed_mind", text) and not gives_reason):
            return True
        if (marked := behind_no(text)) and words.says("cancel", marked):
            return True
        if lets_go(text) and self._is_beside_it(form, state, behind_cancel(text)):
            return True
        first, *more = CLAUSES.split(folded(text), maxsplit=1)
        return bool(more) and words.says("cancel", first) and _CALLED_OFF.search(first) is not None

    def _is_beside_it(self, form: FormTexts, state: FormState, text: str) -> bool:
        """Whether a text asks or wishes for something else: 算了，会员怎么关, where 算了，上海 only corrects."""
        asked = next(
            (each for each in form.slots if each.name == state.asked and each.kind not in {"words", "order"}), None
        )
        answers = asked is not None and self.slots.value(asked, text, bare=True) is not None
        return is_wish(text) and not answers and not self.slots.volunteered(form, text)

    def _next(self, state: FormState, locale: Locale, before: str = "") -> Step:
        """The first thing that is missing is asked for; when nothing is, the whole is to be confirmed."""
        form = self.texts.forms[state.name]
        lead = f"{before}{'' if locale == 'zh-CN' else ' '}" if before else ""
        for slot in form.slots:
            if slot.name not in state.slots:
                return Step("asked", replace(state, asked=slot.name), lead + slot.ask.in_locale(locale))
        colon, between = ("：", "；") if locale == "zh-CN" else (": ", "; ")
        shown = between.join(
            f"{slot.title.in_locale(locale)}{colon}{self.slots.shown(slot, state.slots[slot.name], locale)}"
            for slot in form.slots
        )
        return Step(
            "confirm", replace(state, asked=""), lead + form.confirm.in_locale(locale).replace("{slots}", shown)
        )


def _about(slot: Slot, locale: Locale) -> str:
    return slot.about.in_locale(locale) if slot.about is not None else ""
