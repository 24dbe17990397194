"""The approved texts, in both languages: read and checked at the start, so that a wrong file ends it. Pure but for reading."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from services.intent.assist.claims import claims
from services.intent.assist.words import SHIPPED, Words, content_of, load_words
from services.intent.labels import LABELS
from services.kit.wire import Locale

Way = Literal["answer", "knowledge", "knowledge_only", "form", "hand_off"]
"""How a label is served: by its text; from the knowledge base, else by its text (which with `knowledge_only` says that there is
no answer); by a form; by a person."""

PHRASES = frozenset(
    {
        "unsure", "from_knowledge", "advice", "hand_off", "hand_off.low_confidence", "hand_off.no_answer",
        "hand_off.self_harm", "hand_off.fraud", "back_to_form",
    }
)  # fmt: skip
FORM_PHRASES = frozenset({"again", "cancelled", "changed", "which", "not_given", "age_of"})
YOUNGER = {
    "not_helped": "unsure", "repeated": "unsure", "suggestions": "unsure", "suggestions_too": "unsure",
    "refund_asked": "unsure", "no_hand_off": "unsure", "no_promise": "advice",
    "upset": "unsure", "already_sent": "unsure", "reason_noted": "again", "one_each": "again", "not_listed": "again",
}  # fmt: skip
"""Phrases that a folder of before may lack, and what is said in their place."""
UNSAID = frozenset({"both", "noted"})
"""Phrases of forms in whose place nothing is said."""
_WHY = re.compile(r"为什么|为啥|为何|干嘛|干什么|干吗|有什么用|做什么用|凭什么|(?<![a-z])(?:why|what for)(?![a-z])")
_OF_THE_QUESTION = re.compile(
    r"问|填|告诉|需要(?:这|知道|我)|要(?:这|知道)|(?<![a-z])(?:(?:need|want) (?:this|that|it|to know)|asking|ask)(?![a-z])"
)
_WHAT = re.compile(
    r"是什么|是啥|什么是|啥是|啥叫|什么叫|什么意思|啥意思|指什么|指的是|[哪怎]\w{0,3}[看找查]"
    r"|(?<![a-z])(?:what is|what's|what are|what does|where)(?![a-z])"
)
SlotKind = Literal["category", "birth", "region", "amount", "order", "words"]


class TextsRefused(Exception):
    """The texts cannot be served; the message says which file and why."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Said(_Strict):
    """One text in both languages."""

    zh: str = Field(alias="zh-CN", min_length=1, max_length=1_000)
    en: str = Field(min_length=1, max_length=1_000)

    def in_locale(self, locale: Locale) -> str:
        return self.zh if locale == "zh-CN" else self.en


class TextLink(_Strict):
    """Where the platform can take the person."""

    rel: str
    href: str
    method: str


class LabelAnswer(_Strict):
    """How a label is answered."""

    way: Way
    text: Said
    form: str | None = None
    reason: Literal["complaint", "requested"] | None = None
    links: tuple[TextLink, ...] = ()

    @model_validator(mode="after")
    def way_is_complete(self) -> Self:
        if (self.form is not None) != (self.way == "form") or (self.reason is not None) != (self.way == "hand_off"):
            raise ValueError("a form belongs to the way `form`, a reason to the way `hand_off`")
        return self


class Slot(_Strict):
    """One thing that a form asks for."""

    name: str
    kind: SlotKind
    title: Said
    ask: Said
    names: tuple[str, ...] = Field(min_length=1, description="how people name it when they correct it or ask about it")
    about: Said | None = Field(default=None, description="what it is, and what it is asked for")
    optional: bool = False

    def behind_name(self, text: str) -> tuple[str, str] | None:
        """The text behind the slot's name and behind 改成, 是 or "is", and which of those it is or ""; None without the name."""
        found = self._naming.search(text)
        return (text[found.end() :].strip(" ,，。."), found["verb"] or "") if found else None

    def is_asked_about(self, text: str, *, asked: bool = False) -> bool:
        """Whether a folded text asks what the slot is, or where it is to be found; or why it is asked for, which of the slot that is
        `asked` needs no name."""
        named = self._naming.search(text) is not None
        meant = named or (asked and _OF_THE_QUESTION.search(text) is not None)
        return (meant and _WHY.search(text) is not None) or (named and _WHAT.search(text) is not None)

    def is_named_as_wrong(self, text: str, *, alone: bool) -> bool:
        """Whether a text names the slot as wrong, or as what is to be changed, and says no more; `alone`: the name suffices."""
        change = r"(?:(?:我?(?:想|要)?(?:再?改|修改|更正|换)一?下?|change|correct|fix|edit|update)\s*(?:the|my)?\s*)"
        wrong = r"(?:\s*(?:不对|有误|[写填说打输]?错了?|要改|改一下|改|is wrong|was wrong|wrong|is incorrect|incorrect|is not right))"
        found = re.fullmatch(rf"(?P<change>{change})?(?:(?:the|my) )?(?:{self._either})(?P<wrong>{wrong})?", text)
        return found is not None and (alone or found["change"] is not None or found["wrong"] is not None)

    @property
    def _either(self) -> str:
        return "|".join(re.escape(name) for name in sorted(self.names, key=len, reverse=True))

    @property
    def _naming(self) -> re.Pattern[str]:
        return re.compile(
            rf"(?<![a-z])(?:{self._either})(?![a-z])\s*(?:应该|should)?\s*(?P<verb>改成|改为|改|换成|填|写|是|为|is|was|be|to|=|:|：)?\s*"
        )


class FormTexts(_Strict):
    """A form: its slots in the order in which they are asked, and what it results in."""

    action: Literal["quote.request", "refund.request"]
    labels: tuple[str, ...]
    slots: tuple[Slot, ...] = Field(min_length=1)
    confirm: Said
    done: Said
    links: tuple[TextLink, ...] = ()


class _Answers(_Strict):
    version: str
    labels: dict[str, LabelAnswer]
    phrases: dict[str, Said]


class _Forms(_Strict):
    version: str
    forms: dict[str, FormTexts]
    phrases: dict[str, Said]


@dataclass(frozen=True, slots=True)
class Texts:
    """Everything that the bot can say of itself. `version` changes with any of the files."""

    version: str
    labels: Mapping[str, LabelAnswer]
    phrases: Mapping[str, Said]
    forms: Mapping[str, FormTexts]
    form_phrases: Mapping[str, Said]
    words: Words

    def say(self, phrase: str, locale: Locale, **values: str) -> str:
        """A phrase with its values put in."""
        return _present(self.phrases, phrase).in_locale(locale).format(**values)

    def say_in_form(self, phrase: str, locale: Locale, **values: str) -> str:
        """A phrase of the forms with its values put in; "" for one of those that may be left unsaid, and is not there."""
        if phrase in UNSAID and phrase not in self.form_phrases:
            return ""
        return _present(self.form_phrases, phrase).in_locale(locale).format(**values)


def _present(phrases: Mapping[str, Said], name: str) -> Said:
    return phrases[name] if name in phrases else phrases[YOUNGER[name]]


def load_texts(folder: Path | None = None) -> Texts:
    """The texts in `folder`, by default those that ship. Raises `TextsRefused`."""
    source = folder or SHIPPED
    try:
        answers = _Answers.model_validate(orjson.loads(content_of(source / "answers.json")))
        forms = _Forms.model_validate(orjson.loads(content_of(source / "forms.json")))
        words = load_words(source)
    except (OSError, ValidationError, ValueError, KeyError, TypeError) as error:
        raise TextsRefused(f"{source}: {error}") from error
    if faults := [*_missing(answers, forms), *_unfilled(answers, forms), *_claiming(answers, forms)]:
        raise TextsRefused(f"{source}: {'; '.join(faults)}")
    version = f"{answers.version}/{forms.version}/{words.version}"
    return Texts(version, answers.labels, answers.phrases, forms.forms, forms.phrases, words)


def _missing(answers: _Answers, forms: _Forms) -> list[str]:
    """What a bot would look for and not find."""
    absent = {
        "labels": set(LABELS) ^ answers.labels.keys(),
        "phrases": (PHRASES ^ answers.phrases.keys()) - YOUNGER.keys(),
        "form phrases": (FORM_PHRASES ^ forms.phrases.keys()) - YOUNGER.keys() - UNSAID,
        "forms": {each.form for each in answers.labels.values() if each.form} ^ forms.forms.keys(),
    }
    return [f"{what} that do not match: {', '.join(sorted(names))}" for what, names in absent.items() if names]


_VALUES = {"from_knowledge": "title", "age_of": "value"}
"""What is put into a phrase; into every other one nothing is."""


def _unfilled(answers: _Answers, forms: _Forms) -> list[str]:
    """Phrases that could not be said, and forms that would be confirmed unseen."""
    wrong = []
    for name, each in (answers.phrases | forms.phrases).items():
        for text in (each.zh, each.en):
            try:
                text.format(**{_VALUES[name]: ""} if name in _VALUES else {})
            except (LookupError, ValueError, AttributeError):
                wrong.append(f"phrases.{name} has a brace that nothing fills")
    blind = [
        name
        for name, form in forms.forms.items()
        if "{slots}" not in form.confirm.zh or "{slots}" not in form.confirm.en
    ]
    return [*dict.fromkeys(wrong), *(f"forms.{name}.confirm does not show {{slots}}" for name in blind)]


def _claiming(answers: _Answers, forms: _Forms) -> list[str]:
    """Texts that price, promise or advise."""
    said = {f"labels.{name}": each.text for name, each in answers.labels.items()}
    said |= {f"phrases.{name}": each for name, each in (answers.phrases | forms.phrases).items()}
    for name, form in forms.forms.items():
        said |= {f"forms.{name}.confirm": form.confirm, f"forms.{name}.done": form.done}
        said |= {f"forms.{name}.{slot.name}": slot.ask for slot in form.slots}
        said |= {f"forms.{name}.{slot.name}.about": slot.about for slot in form.slots if slot.about is not None}
    found = {name: [*claims(each.zh), *claims(each.en)] for name, each in said.items()}
    return [f"{name} holds a {' and a '.join(dict.fromkeys(kinds))}" for name, kinds in found.items() if kinds]
