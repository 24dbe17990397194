"""Forms: asked one thing at a time, corrected at any time, confirmed at the end. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

from services.intent.assist.session import FormState
from services.intent.assist.slots import Slots, values_of
from services.intent.assist.texts import FormTexts, Slot, Texts
from services.intent.assist.values.orders import as_written, is_only_an_order, order
from services.intent.assist.values.places import Gazetteer
from services.intent.assist.words import folded, is_question
from services.kit.wire import Locale

TRIES = 2
STRICT = ("category", "birth", "region", "amount")
"""Kinds of slots whose values can be nothing else."""
_STOP = r"[\s,，。.…:：;；!！]*"
_HESITATION = rf"(?:(?:等等|等一下|等下|哦|噢|啊|哎呀|wait|oh|oops|hold on)(?![a-z]){_STOP})*"
_CORRECTION = re.compile(
    rf"^{_HESITATION}(?:(?:不对|不是|错了|说错了|更正|改成|改为|改一下|改|换成|算了|还是"
    rf"|no|wrong|sorry|actually|i meant|change|rather|instead)(?![a-z]){_STOP}{_HESITATION})+"
)
_CLAUSES = re.compile(r"(?<!\d),|,(?!\d)|[;。\n]|(?<![a-z])and(?![a-z])")
_CHANGES = re.compile(r"改|换|更正|(?<![a-z])(?:change|should be|instead)(?![a-z])")
_REPLACES = re.compile(
    r"不要|改成|改为|换成|不是|不选|不买|(?<![a-z])not(?![a-z])|(?<![a-z])from .*(?<![a-z])to(?![a-z])"
)
_CALLED_OFF = re.compile(r"不.{0,2}[退办]|取消|不报价|cancel|stop")
_ANEW = re.compile(r"改|换|更正|[写填说打输]错|(?<![a-z])(?:change|correct|fix|edit|update)(?![a-z])")
_INTO = frozenset({"改成", "改为", "改", "换成"})
_SMALL = re.compile(r"\D{0,8}\d{1,2}[\s。.!！吧]*")


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

    def begin(self, name: str, text: str, locale: Locale, kind: str = "") -> Step:
        """Start with what the first message says already, and the kind of insurance that was spoken of before."""
        form = self.texts.forms[name]
        before = {slot.name: kind for slot in form.slots if kind and slot.kind == "category"}
        state = FormState(name, before | self.slots.volunteered(form, text))
        return self._next(state, locale)

    def go_on(self, state: FormState, text: str, locale: Locale) -> Step:
        """Take a text as an answer, a correction, a confirmation or a cancellation; `not_taken` when it is none of them."""
        words, form = self.texts.words, self.texts.forms[state.name]
        if self._calls_off(form, state, text):
            return Step("cancelled", None, self.texts.say_in_form("cancelled", locale))
        if not state.asked and words.says("yes", text):
            return Step("done", None, form.done.in_locale(locale), dict(state.slots))
        if (anew := self._anew(form, state, text)) is not None:
            return self._next(anew, locale)
        if (corrected := self._corrected(form, state, text)) is not None:
            return self._next(corrected, locale, self.texts.say_in_form("changed", locale))
        return (
            self._answered(form, state, text, locale) if state.asked else self._unconfirmed(form, state, text, locale)
        )

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
        if (about := self._about(form, slot, text, locale)) is not None:
            return self._next(state, locale, about)
        skipped = self.slots.has_no_order(text) if slot.kind == "order" else self.texts.words.says("skip", text)
        if skipped and slot.optional:
            return self._next(_filled(state, slot, None), locale)
        if slot.kind not in {"words", "order"} and _asks(text):
            return Step("not_taken", state)
        if skipped and slot.kind != "words":
            return self.ask_again(state, locale, lead=slot.about.in_locale(locale) if slot.about else "")
        said = self.slots.volunteered(form, text)
        others = {name: each for name, each in said.items() if name not in state.slots and name != slot.name}
        filled = replace(state, slots={**others, **state.slots})
        value = self.slots.value(slot, text, bare=True)
        if value is not None:
            return self._next(_filled(filled, slot, value), locale)
        return self._beside(form, filled, said, others, locale)

    def _beside(
        self, form: FormTexts, state: FormState, said: Mapping[str, Any], others: Mapping[str, Any], locale: Locale
    ) -> Step:
        """A text that does not say what was asked for: it says something else of the form, the same once more, or nothing of it."""
        differing = {name: each for name, each in values_of(said, form, *STRICT).items() if state.slots[name] != each}
        if differing:
            return self._next(_all_filled(state, form, differing), locale, self.texts.say_in_form("changed", locale))
        if values_of(others, form, "words"):
            return self._next(state, locale, self.texts.say_in_form("reason_noted", locale))
        if others:
            return self._next(state, locale)
        return self.ask_again(state, locale, lead="") if said else Step("not_taken", state)

    def _unconfirmed(self, form: FormTexts, state: FormState, text: str, locale: Locale) -> Step:
        """Neither yes nor a correction: another reason, that it is wanted no more, which takes no other's place, or no."""
        why = values_of(self.slots.volunteered(form, text), form, "words")
        if why and self.texts.words.says("changed_mind", text):
            return self._next(state, locale, self.texts.say_in_form("reason_noted", locale))
        if why:
            return self._next(_all_filled(state, form, why), locale, self.texts.say_in_form("changed", locale))
        says_no = self.texts.words.says("no", text)
        return Step("asked", state, self.texts.say_in_form("which", locale)) if says_no else Step("not_taken", state)

    def _about(self, form: FormTexts, asked: Slot, text: str, locale: Locale) -> str | None:
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
        first, *more = _CLAUSES.split(folded(text), maxsplit=1)
        return bool(more) and words.says("cancel", first) and _CALLED_OFF.search(first) is not None

    def _anew(self, form: FormTexts, state: FormState, text: str) -> FormState | None:
        """The state without the slot that a text names as wrong and gives no value for: 年龄不对, change the age.

        The name alone does while the whole is to be confirmed. Where a reason was asked for, 课程不对 is one: there it takes a word of
        change, or 写错.
        """
        heard = folded(text).rstrip(" 。.!！吧")
        for slot in form.slots:
            if slot.name in state.slots and slot.is_named_as_wrong(heard, alone=not state.asked):
                if _awaits_words(form, state) and _ANEW.search(heard) is None:
                    return None
                return replace(state, slots={name: each for name, each in state.slots.items() if name != slot.name})
        return None

    def _corrected(self, form: FormTexts, state: FormState, text: str) -> FormState | None:
        """The state with what a text corrects; None when it corrects nothing.

        Slots that are named take their new values. After "不对" or "no", and while the whole is to be confirmed, values that can only
        be of one slot go there; after "不对" or "no" a bare one goes to the slot that was filled last and can hold it. A question
        changes nothing unless it speaks of a change.
        """
        heard = folded(text)
        marked = _CORRECTION.match(heard)
        rest = heard[marked.end() :] if marked else heard
        if not rest or (_asks(text) and not marked and not _CHANGES.search(rest)):
            return None
        named = self._only_order(form, state, rest)
        named |= self._named(form, rest, marked=marked is not None, confirming=not state.asked)
        if any(name in state.slots for name in named):
            free = {slot.name for slot in form.slots if slot.kind in {"words", "order"}}
            written = {name: as_written(each, text) for name, each in named.items() if name in free}
            return _all_filled(state, form, named | written)
        if state.asked and not marked and not _REPLACES.search(rest):
            return None
        strict = [slot for slot in form.slots if slot.kind not in {"words", "order"}]
        said = {
            name: each
            for name, each in self.slots.volunteered(form, rest).items()
            if name in {slot.name for slot in strict}
        }
        if any(name in state.slots for name in said):
            return _all_filled(state, form, said)
        for name in self._likely(state, rest) if marked else ():
            for slot in strict:
                if slot.name == name and (value := self.slots.value(slot, rest, bare=True)) is not None:
                    return _filled(state, slot, value)
        return None

    def _likely(self, state: FormState, text: str) -> list[str]:
        """The slots that a bare value may be of, the one that was filled last first; a number of two digits is rather an age."""
        last_first = list(reversed(state.slots))
        return sorted(last_first, key=lambda name: name != "birth") if _SMALL.fullmatch(text) else last_first

    def _only_order(self, form: FormTexts, state: FormState, text: str) -> dict[str, Any]:
        """The order that a text is and nothing else, when another is known: 是《投资学》, A20261129."""
        known = (slot.name for slot in form.slots if slot.kind == "order" and slot.name in state.slots)
        return {name: order(text, bare=False) for name in known if is_only_an_order(text)}

    def _named(self, form: FormTexts, text: str, *, marked: bool, confirming: bool) -> dict[str, Any]:
        """Values behind the names of their slots, in the clause of the name or else in all of the text.

        A title or a reason can be anything, and 课程太难 is a reason: it counts after "不对" or "no", with 改成 between, and with
        是 or "is" between while the whole is to be confirmed.
        """
        found: dict[str, Any] = {}
        for slot in form.slots:
            free = slot.kind in {"words", "order"}
            for part in (*_CLAUSES.split(text), text):
                if slot.name in found or (behind := slot.behind_name(part)) is None:
                    continue
                value = self.slots.value(slot, behind[0], bare=True)
                told = marked or behind[1] in _INTO or (confirming and behind[1])
                plainly = slot.kind == "order" and is_only_an_order(behind[0])
                if value is not None and (told or plainly or not free):
                    found[slot.name] = value
        return found

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


def _awaits_words(form: FormTexts, state: FormState) -> bool:
    """Whether a reason was asked for: to have changed one's mind is one."""
    return any(slot.name == state.asked and slot.kind == "words" for slot in form.slots)


def _asks(text: str) -> bool:
    """Whether a text asks by its words; a mark alone, as in 上海？, is doubt."""
    return is_question(text.rstrip("?？ "))


def _all_filled(state: FormState, form: FormTexts, values: Mapping[str, Any]) -> FormState:
    for slot in form.slots:
        if slot.name in values:
            state = _filled(state, slot, values[slot.name])
    return state


def _filled(state: FormState, slot: Slot, value: Any) -> FormState:
    """The slot as the last one that was filled."""
    rest = {name: each for name, each in state.slots.items() if name != slot.name}
    return replace(state, slots={**rest, slot.name: value}, tries=0)
