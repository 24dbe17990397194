"""Regions as ISO 3166 codes, and kinds of insurance as topics: names looked for in a text, the longest first."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from services.intent.assist.reading import folded
from services.intent.assist.words import SHIPPED, Phrases
from services.kit.wire import Locale

_DECLINED = re.compile(
    r"(?:(?<!要)不要|(?<!是)不是|(?<!选)不选|(?<!买)不买|不想[要买]|不住在?|[不没]在|没住在?|(?:搬|离)[离出开]了?"
    r"|(?<![a-z])(?:not|no|instead of|rather than|left)\s+(?:living in |live in |in |the |a )?)$"
)
_INTO = re.compile(
    r"改[成为到]?|换[成为]?|[-=]+>|→|(?<![a-z])(?:from|change|changed|switch|swap) .*(?<![a-z])(?:to|for)(?![a-z])"
)
"""What stands behind the first is not meant, what stands before the second not any more."""


_VISITED = re.compile(
    r"(?:去|飞|前往|赴|(?<![搬调改换])到)(?:一?趟|往)?$"
    r"|(?<![a-z])(?:going|go|goes|travel(?:l?ing)?|trip|fly(?:ing)?|holiday|vacation|visit(?:ing)?|tour(?:ing)?|headed|off|camp"
    r"|internship|exchange|conference)"
    r"\s+(?:(?:to|in|around)\s+)?(?:the\s+)?$"
)
_HOME = re.compile(r"(?:人在|住在?|常住|生活在|现在在)([^，,。；;\s]+)|(?:live|living|based) in ([^,.;]+)")
_TRIP = re.compile(
    r"(?:[一二两三四五六七八九十\d]*[日天]?(?:游(?!戏|泳)|玩)|(?:旅游|旅行)(?!险|保)|自由行|出差|\s+(?:trip|holiday|vacation|tour)(?![a-z]))"
)


@dataclass(frozen=True, slots=True)
class Names:
    """Codes by the names that people use for them."""

    codes: Mapping[str, str]
    phrases: Phrases

    @classmethod
    def of(cls, names: Mapping[str, list[str]]) -> "Names":
        codes = {folded(name): code for code, each in names.items() for name in each}
        return cls(codes, Phrases.of(codes))

    def code(self, text: str) -> str | None:
        """The one code of a text; None where there is none, or several different ones. 不要重疾险，要医疗险 holds one."""
        heard = folded(text)
        found = [each for each in self.phrases.pattern.finditer(heard) if not _DECLINED.search(heard[: each.start()])]
        if len({self.codes[each[0]] for each in found}) > 1:
            into = max((each.end() for each in _INTO.finditer(heard)), default=0)
            found = [each for each in found if each.start() >= into]
        codes = {self.codes[each[0]] for each in found}
        return codes.pop() if len(codes) == 1 else None

    def named(self, text: str) -> set[str]:
        """All codes of a text."""
        return {self.codes[each[0]] for each in self.phrases.pattern.finditer(folded(text))}

    def declines(self, text: str, code: str) -> bool:
        """Whether a text says that it is not this one, and names no other: 不是北京."""
        heard = folded(text)
        declined = {
            self.codes[each[0]]
            for each in self.phrases.pattern.finditer(heard)
            if _DECLINED.search(heard[: each.start()])
        }
        return declined == {code} and self.code(text) is None


def residence(regions: Names, text: str) -> str | None:
    """The one region of a text but for where somebody only travels: 去日本玩, a trip to Japan."""
    heard = folded(text)
    lived = regions.phrases.pattern.sub(
        lambda each: "\0" if _VISITED.search(heard[: each.start()]) or _TRIP.match(heard[each.end() :]) else each[0],
        heard,
    )
    at_home = _HOME.findall(lived)
    return regions.code(lived) or (regions.code("".join(at_home[-1])) if at_home else None)


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """The names of `names.json`; `unlisted` are kinds of insurance that no form takes down."""

    regions: Names
    categories: Names
    unlisted: Phrases
    region_titles: Mapping[str, Mapping[Locale, str]]
    category_titles: Mapping[str, Mapping[Locale, str]]


def load_names(folder: Path = SHIPPED) -> Gazetteer:
    """Read `names.json`; raises ValueError, KeyError or TypeError when it is of another shape."""
    raw: dict[str, Any] = orjson.loads((folder / "names.json").read_bytes())
    return Gazetteer(
        Names.of(raw["regions"]),
        Names.of(raw["categories"]),
        Phrases.of(raw["unlisted"]),
        _titles(raw["regions"]),
        _titles(raw["categories"]),
    )


def _titles(names: Mapping[str, list[str]]) -> dict[str, dict[Locale, str]]:
    """The first name in each language."""
    english = {code: next(name for name in each if name.isascii()) for code, each in names.items()}
    return {code: {"zh-CN": each[0], "en": english[code].title()} for code, each in names.items()}
