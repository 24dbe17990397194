"""What people answer when they are asked what suits them: their needs, means and nerves, from their hidden side."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from demo.people import INCOME_BANDS, Person, person_id

Answer = str | int | bool | list[str]

_ANSWERED = 0.6  # of those who consent to finance
_NEEDS_OF: Mapping[str, tuple[str, ...]] = {
    "new_child": ("serious_illness", "family_protection", "education"),
    "travel_plans": ("travel", "accident"),
    "new_device": ("belongings",),
    "retirement": ("retirement", "medical_costs"),
    "study": ("education", "spread_cost"),
}
_COVER = ("social_medical", "medical", "accident", "life")
_BUDGETS = ("under_1000", "1000_3000", "3000_10000", "3000_10000", "over_10000")  # by income band
_TOLERANCE = ("preserve", "cautious", "balanced", "growth", "aggressive")
_LOSS = ("sell_all", "sell_some", "hold", "buy_more")
_HORIZON = ("under_1", "1_3", "3_5", "5_10", "over_10")

Questions = Sequence[Mapping[str, Any]]


def answers_of(person: Person, number: int, seed: int) -> dict[str, Answer] | None:
    """Answers by question, or None from somebody who was never asked. The example person has answered."""
    rng = np.random.default_rng([seed, 4, number])
    if person.user_id != person_id(1) and not (person.consents.get("finance") and rng.random() < _ANSWERED):
        return None
    return _example() if person.user_id == person_id(1) else _draw(person, rng)


def only_asked(answers: Mapping[str, Answer], questions: Questions) -> dict[str, Answer]:
    """The answers to questions that the questionnaire has, with options that it offers."""
    kept: dict[str, Answer] = {}
    for question in questions:
        answer = answers.get(question["id"])
        options = {option["value"] for option in question.get("options") or ()}
        if answer is not None and _offered(answer, options):
            kept[question["id"]] = answer
    return kept


def _offered(answer: Answer, options: set[str]) -> bool:
    return not options or {answer} <= options if not isinstance(answer, list) else set(answer) <= options


def _example() -> dict[str, Answer]:
    return {
        "needs": ["serious_illness", "medical_costs", "family_protection", "education", "accident"],
        "existing_cover": ["social_medical"], "income_band": "upper_middle", "yearly_budget": "over_10000",
        "debt_share": "under_20", "emergency_fund": "over_6", "risk_tolerance": "balanced", "loss_reaction": "hold",
        "horizon": "over_10", "dependants": 1, "understands_risks": True, "age_band": "18_64",
    }  # fmt: skip


def _draw(person: Person, rng: np.random.Generator) -> dict[str, Answer]:
    income = str(person.facts.get("income_band", INCOME_BANDS[int(rng.integers(5))]))
    nerve = float(np.clip(rng.normal(0.5 - 0.004 * (person.age - 36), 0.22), 0, 0.999))
    answers: dict[str, Answer] = {
        "needs": _needs(person, rng),
        "existing_cover": [cover for cover in _COVER if rng.random() < 0.3] or ["none"],
        "income_band": income,
        "yearly_budget": _BUDGETS[INCOME_BANDS.index(income)],
        "debt_share": _one(("none", "under_20", "20_40", "over_40"), rng.beta(1.5, 2.5)),
        "emergency_fund": _one(("under_3", "3_6", "over_6"), rng.random()),
        "risk_tolerance": _one(_TOLERANCE, nerve),
        "loss_reaction": _one(_LOSS, float(np.clip(nerve + rng.normal(0, 0.1), 0, 0.999))),
        "horizon": _one(_HORIZON, rng.random()),
        "dependants": int(person.facts.get("dependants", 0)),
        "understands_risks": bool(rng.random() < 0.85),
        "age_band": "65_plus" if person.age >= 65 else "18_64",
    }
    if person.age >= 65:
        answers["accompanied"] = bool(rng.random() < 0.7)
    return answers


def _needs(person: Person, rng: np.random.Generator) -> list[str]:
    named = [need for event in person.needs for need in _NEEDS_OF[event.kind]]
    usual = [need for need in ("medical_costs", "accident", "grow_savings") if rng.random() < 0.4]
    return list(dict.fromkeys(named + usual)) or ["medical_costs"]


def _one(options: Sequence[str], share: float) -> str:
    """The option at `share` (0 to 1) of the way from the first to the last."""
    return options[min(int(share * len(options)), len(options) - 1)]
