"""What a text says for the slots of a form, and how a value is shown. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.intent.assist.reading import folded, is_question
from services.intent.assist.texts import FormTexts, Slot, Texts
from services.intent.assist.values.amounts import amount, is_other_money
from services.intent.assist.values.births import birth
from services.intent.assist.values.orders import has_none, order, wishes_refund, without_orders
from services.intent.assist.values.places import Gazetteer, residence
from services.intent.assist.values.reasons import parted
from services.kit.wire import Locale

LONGEST_WORDS = 500
_INSTEAD = re.compile(
    r"(?:哦|噢|啊|哎呀?|等等)?[\s，,]{0,3}(?:不对|不不|哦不|(?:说|打|写|输)?错了|更正|应该是)[\s，,。.!！:：]*"
    r"|不是[^,，。;；是]{1,12}[\s，,]{0,3}(?:而是|应该是|是|要)"
    r"|(?<![a-z])(?:no wait|wait no|wait|oops|i mean|i meant|actually|sorry|make that|make it|scratch that)(?![a-z])[\s,.:!]*",
    re.IGNORECASE,
)
"""Behind it stands what is meant: 北京，哦不对，天津."""
_REASON_IS = re.compile(r"^(?:退款的?)?(?:原因|理由)(?:就?是|为)?[:： ]*(?=\S)")


@dataclass(frozen=True, slots=True)
class Slots:
    """Reads and shows the values of every kind of slot."""

    texts: Texts
    names: Gazetteer
    today: Callable[[], date]

    def volunteered(self, form: FormTexts, text: str) -> dict[str, Any]:
        """Slots that a text fills without being asked: only what cannot be anything else."""
        found = {slot.name: self.value(slot, text, bare=False) for slot in form.slots}
        return {name: value for name, value in found.items() if value is not None}

    def value(self, slot: Slot, text: str, *, bare: bool) -> Any:
        """A slot's value as JSON has it; None when the text has none. `bare`: the text is an answer to the slot's question."""
        if slot.kind not in {"words", "order"} and (instead := _INSTEAD.split(folded(text)))[1:]:
            meant = self._read(slot, instead[-1], bare=bare)
            return self._read(slot, text, bare=bare) if meant is None else meant
        return self._read(slot, text, bare=bare)

    def _read(self, slot: Slot, text: str, *, bare: bool) -> Any:
        match slot.kind:
            case "category":
                return self.names.categories.code(text)
            case "region":
                return residence(self.names.regions, text)
            case "birth":
                found = birth(text, today=self.today(), bare=bare)
                return found.document() if found else None
            case "amount":
                sum_of_money = amount(text, bare=bare)
                return sum_of_money.document() if sum_of_money else None
            case "order":
                return order(text, bare=False) or (self._title(text) if bare else None)
            case "words":
                return self._words(text) if bare else self._why(text)

    def declines(self, slot: Slot, value: Any, text: str) -> bool:
        """Whether a text says that a kind of insurance or a region is not this one, without another."""
        if slot.kind == "category":
            return self.names.categories.declines(text, value)
        return slot.kind == "region" and self.names.regions.declines(text, value)

    def is_beside(self, slot: Slot, text: str) -> bool:
        """Whether a text speaks of another sum than the one that was asked for: a budget, an income."""
        return slot.kind == "amount" and is_other_money(text)

    def is_unlisted(self, text: str) -> bool:
        """Whether a text names a kind of insurance that no form takes down, and none that one does."""
        return self.names.unlisted.found(folded(text)) and self.names.categories.code(text) is None

    def has_no_order(self, text: str) -> bool:
        """Whether somebody says that they have no number or title at hand."""
        return self.texts.words.says("skip", text) or has_none(text)

    def shown(self, slot: Slot, value: Any, locale: Locale) -> str:
        """A value as a person reads it."""
        if value is None:
            return self.texts.say_in_form("not_given", locale)
        if slot.kind == "birth":
            given = str(next(iter(value.values())))
            return self.texts.say_in_form("age_of", locale, value=given) if "age" in value else given
        if slot.kind == "amount":
            return f"{value['amount']} {value['currency'] or ''}".strip()
        if slot.kind == "region":
            return self.names.region_titles[value][locale]
        if slot.kind == "category":
            return self.names.category_titles[value][locale]
        return str(value)

    def _words(self, text: str) -> str | None:
        told = not is_question(text) and not self._says_nothing(text) and not wishes_refund(text)
        return text.strip()[:LONGEST_WORDS] if text.strip() and told else None

    def _why(self, text: str) -> str | None:
        """The part of a text that says why, beside the purchase that it names."""
        beside = without_orders(text)
        why = beside if self.texts.words.says("changed_mind", beside) else parted(beside)[1]
        return _REASON_IS.sub("", why)[:LONGEST_WORDS] if why is not None else None

    def _title(self, text: str) -> str | None:
        """What can be a title, beside what says why."""
        what = "" if self.texts.words.says("changed_mind", text) else parted(text)[0]
        empty = self._says_nothing(what) or self.texts.words.is_upset(what) or self.has_no_order(what)
        empty = empty or self.texts.words.says("not_helped", text)
        return None if empty else order(what, bare=True)

    def _says_nothing(self, text: str) -> bool:
        """Whether a text is a yes, a no, small talk or "not to a person", which is no title and no reason."""
        words = self.texts.words
        said = words.says("yes", text) or words.says("no", text) or words.says("small_talk", text)
        return said or words.declines_human(text)


def values_of(values: Mapping[str, Any], form: FormTexts, *kinds: str) -> dict[str, Any]:
    """Those of slots of these kinds."""
    named = {slot.name for slot in form.slots if slot.kind in kinds}
    return {name: value for name, value in values.items() if name in named}
