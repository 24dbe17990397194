"""Regions as ISO 3166 codes, and kinds of insurance as topics: names looked for in a text, the longest first."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from services.intent.assist.words import SHIPPED, Phrases, folded
from services.kit.wire import Locale


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
        """The one code of a text; None where there is none, or several different ones."""
        found = {self.codes[match[0]] for match in self.phrases.pattern.finditer(folded(text))}
        return found.pop() if len(found) == 1 else None


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """The names of `names.json`."""

    regions: Names
    categories: Names
    region_titles: Mapping[str, Mapping[Locale, str]]
    category_titles: Mapping[str, Mapping[Locale, str]]


def load_names(folder: Path = SHIPPED) -> Gazetteer:
    """Read `names.json`; raises ValueError, KeyError or TypeError when it is of another shape."""
    raw: dict[str, Any] = orjson.loads((folder / "names.json").read_bytes())
    return Gazetteer(
        Names.of(raw["regions"]), Names.of(raw["categories"]), _titles(raw["regions"]), _titles(raw["categories"])
    )


def _titles(names: Mapping[str, list[str]]) -> dict[str, dict[Locale, str]]:
    """The first name in each language."""
    english = {code: next(name for name in each if name.isascii()) for code, each in names.items()}
    return {code: {"zh-CN": each[0], "en": english[code].title()} for code, each in names.items()}
