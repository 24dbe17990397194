"""What stable codes mean to people, in their language. A code may carry a subject: `missing_fact:birth_date`."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import orjson

from services.insurance.schemas import Disclosure
from services.kit.wire import Locale, localise

_FOLDER = Path(__file__).parent / "texts"


@cache
def _texts(name: str) -> dict[str, dict[str, str]]:
    texts: dict[str, dict[str, str]] = orjson.loads((_FOLDER / f"{name}.json").read_bytes())
    return texts


@cache
def say(code: str, locale: Locale) -> str:
    """The sentence of a code. Raises KeyError for a code without text: a test keeps that from happening."""
    name, _, about = code.partition(":")
    return localise(_texts("reasons")[name], locale).format(subject=subject(about, locale))


def has_text(code: str) -> bool:
    """Whether people can be told what a code means."""
    return code in _texts("reasons")


def say_all(codes: Iterable[str], locale: Locale) -> list[str]:
    return [say(code, locale) for code in codes]


def say_about(code: str, about: Iterable[str], locale: Locale) -> str:
    """The sentence of a code whose subject is other sentences."""
    separator = "；" if locale == "zh-CN" else "; "
    return localise(_texts("reasons")[code], locale).format(subject=separator.join(about))


def subject(name: str, locale: Locale) -> str:
    """What a code speaks of; a name that we have no word for stands for itself."""
    word = _texts("subjects").get(name)
    return localise(word, locale) if word else name


@cache
def disclosures(locale: Locale) -> tuple[Disclosure, ...]:
    """All disclosures in one language."""
    raw: dict[str, dict[str, dict[str, str]]] = orjson.loads((_FOLDER / "disclosures.json").read_bytes())
    return tuple(
        Disclosure(code=code, title=localise(each["title"], locale), text=localise(each["text"], locale))
        for code, each in raw.items()
    )
