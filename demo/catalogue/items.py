"""Titles, prices and qualities of the 600 items.

Every topic has a series of three or four parts, each the sequel of the one before it, and four single items. Quality
(how good) and appeal (how sought after) are known to the simulator alone: the product has to find them in the events.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

DOMAINS = ("tech", "finance", "health", "culture", "education", "travel", "parenting")
FORMATS = {"course": ("系列课", "Course"), "short": ("短课", "Short course"), "audio": ("音频专栏", "Audio column"),
           "ebook": ("电子书", "E-book"), "live": ("直播课", "Live class")}  # fmt: skip
SUFFIX = {"zh-CN": "（演示）", "en": " (demo)"}

_SINGLES = ("short", "audio", "ebook", "live")
_SERIES_PRICES = ((99, 199), (199, 399), (299, 599), (399, 899))
_SINGLE_PRICES = {"short": (29, 99), "audio": (0, 49), "ebook": (9, 39), "live": (49, 199)}
_LONG_SERIES_EVERY = 7  # topics: a fourth part, so that 84 topics x 7 items + 12 = 600


@dataclass(frozen=True, slots=True)
class Item:
    item_id: str
    domain: str
    topic: str
    topic_name: Mapping[str, str]
    categories: tuple[str, ...]  # domain first
    title: Mapping[str, str]
    description: Mapping[str, str]
    price: Decimal  # CNY
    language: str
    format: str
    level: int  # 1 beginner to 4 expert
    quality: float  # 0 to 1
    appeal: float  # median 1
    sequel: str | None  # item_id of the next part
    published_day: int  # days before the load, negative


def build_catalogue(seed: int) -> tuple[Item, ...]:
    """All items in a stable order. Ids and titles are the same for every seed, prices, qualities and dates for one."""
    rng = np.random.default_rng([seed, 1])
    topics = [(domain, topic) for domain in map(_read, DOMAINS) for topic in domain["topics"]]
    drafts = [
        draft
        for number, (domain, topic) in enumerate(topics)
        for draft in _drafts(domain, topic, parts=3 + (number % _LONG_SERIES_EVERY == 0))
    ]
    return tuple(_finish(draft, number, rng) for number, draft in enumerate(drafts, start=1))


@dataclass(frozen=True, slots=True)
class _Draft:
    domain: str
    topic: Mapping[str, Any]
    title: str  # "zh | en"
    format: str
    level: int
    has_sequel: bool


def _read(domain: str) -> dict[str, Any]:
    text = (Path(__file__).parent / f"{domain}.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


def _drafts(domain: Mapping[str, Any], topic: Mapping[str, Any], parts: int) -> Iterator[_Draft]:
    name = domain["domain"]
    for part in range(parts):
        title = domain["series"][part].format(zh=topic["zh"], en=topic["en"])
        yield _Draft(name, topic, title, "course", part + 1, has_sequel=part + 1 < parts)
    for kind, title in zip(_SINGLES, topic["titles"], strict=True):
        yield _Draft(name, topic, title, kind, 1 if kind in ("short", "audio") else 2, has_sequel=False)


def _finish(draft: _Draft, number: int, rng: np.random.Generator) -> Item:
    zh, en = draft.title.split(" | ")
    low, high = _SERIES_PRICES[draft.level - 1] if draft.format == "course" else _SINGLE_PRICES[draft.format]
    series_age = 40 * (4 - draft.level) if draft.format == "course" else 0
    return Item(
        item_id=_item_id(number),
        domain=draft.domain,
        topic=draft.topic["slug"],
        topic_name={"zh-CN": draft.topic["zh"], "en": draft.topic["en"]},
        categories=(draft.domain, draft.topic["under"], draft.topic["slug"]),
        title={"zh-CN": zh + SUFFIX["zh-CN"], "en": en + SUFFIX["en"]},
        description=_description(draft),
        price=Decimal(int(rng.integers(low, high + 1))).quantize(Decimal("0.01")),
        language="zh-CN" if rng.random() < 0.7 else "en",
        format=draft.format,
        level=draft.level,
        quality=round(float(rng.beta(5, 2.2)), 4),
        appeal=round(float(rng.lognormal(0, 0.8)), 4),
        sequel=_item_id(number + 1) if draft.has_sequel else None,
        published_day=-series_age - _age(rng),
    )


def _item_id(number: int) -> str:
    return f"demo-item-{number:04d}"


def _age(rng: np.random.Generator) -> int:
    """Days since publication: one item in twelve is new, which leaves the product cold items to deal with."""
    return int(rng.integers(3, 30)) if rng.random() < 1 / 12 else int(rng.integers(120, 700))


def _description(draft: _Draft) -> dict[str, str]:
    zh, en = FORMATS[draft.format]
    return {
        "zh-CN": f"{draft.topic['zh']}{zh}，第 {draft.level} 级。演示数据。",
        "en": f"{en} on {draft.topic['en']}, level {draft.level}. Synthetic demo data.",
    }
