"""Life events: each creates a need, pulls interest to a domain and makes some kinds of product fit."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import numpy as np

NeedKind = Literal["new_child", "travel_plans", "new_device", "retirement", "study"]


@dataclass(frozen=True, slots=True)
class Pull:
    """What a need does: the domain it pulls to, how strongly, for how long, and the product kinds that answer it."""

    domain: str
    strength: float
    days: int
    products: tuple[str, ...]


PULLS: Mapping[NeedKind, Pull] = {
    "new_child": Pull("parenting", 0.35, 240, ("critical-illness", "term-life", "tuition-protection")),
    "travel_plans": Pull("travel", 0.30, 45, ("travel", "accident")),
    "new_device": Pull("tech", 0.15, 30, ("device", "instalment")),
    "retirement": Pull("finance", 0.25, 200, ("annuity", "balanced-fund", "health")),
    "study": Pull("education", 0.30, 120, ("education-loan", "instalment")),
}


@dataclass(frozen=True, slots=True)
class Need:
    kind: NeedKind
    day: int  # of the life event, relative to the load

    def pull_at(self, day: float) -> float:
        """Share of the person's attention that the need takes on `day`, 0 outside its span."""
        pull = PULLS[self.kind]
        return pull.strength if self.day <= day <= self.day + pull.days else 0.0


def draw_needs(rng: np.random.Generator, *, age: int, dependants: int, travel_share: float) -> tuple[Need, ...]:
    """The life events of one person in the half year, most often none."""
    chances: dict[NeedKind, float] = {
        "new_child": 0.12 if 24 <= age <= 42 and dependants else 0.0,
        "travel_plans": 0.08 + 0.35 * travel_share,
        "new_device": 0.10,
        "retirement": 0.30 if age >= 53 else 0.0,
        "study": 0.16 if age <= 28 else 0.02,
    }
    return tuple(
        Need(kind, day=-int(rng.integers(5, 180))) for kind, chance in chances.items() if rng.random() < chance
    )


def example_messages() -> Mapping[NeedKind, Mapping[str, Sequence[str]]]:
    """What people with each need write to a platform: kind of need → locale → sentences."""
    text = Path(__file__).with_name("messages.json").read_text(encoding="utf-8")
    return cast(Mapping[NeedKind, Mapping[str, Sequence[str]]], json.loads(text))
