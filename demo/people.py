"""Two thousand invented people: what they declare, what they consent to, and what only the simulator knows of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from demo.catalogue import DOMAINS
from demo.needs import Need, draw_needs

Activity = Literal["active", "semi-active", "inactive"]
ACTIVITIES: tuple[Activity, ...] = ("active", "semi-active", "inactive")
ACTIVITY_SHARES = (0.22, 0.36, 0.42)

PURPOSES = ("personalisation", "marketing", "health", "finance", "partner_sharing")
_GRANTED = {"personalisation": 0.96, "marketing": 0.62, "health": 0.40, "finance": 0.48, "partner_sharing": 0.17}

REGIONS = ("CN-BJ", "CN-SH", "CN-GD", "CN-ZJ", "CN-JS", "CN-SC", "CN-HB", "CN-SN", "CN-FJ", "CN-SD", "CN-HN", "CN-YN")
INCOME_BANDS = ("low", "lower_middle", "middle", "upper_middle", "high")
_INCOME_SHARES = (0.14, 0.26, 0.32, 0.20, 0.08)
OCCUPATIONS = ("engineer", "teacher", "nurse", "sales", "civil_servant", "designer", "accountant", "driver",
               "shop_owner", "student", "homemaker", "retired", "manager", "factory_worker", "freelancer")  # fmt: skip
_WORKING = OCCUPATIONS[:9] + OCCUPATIONS[12:]
_TIMEZONES = ("Asia/Shanghai", "Asia/Urumqi", "Asia/Hong_Kong", "Asia/Singapore")
_REFERENCE = date(2026, 1, 1)  # birth dates stay the same whenever the demo is loaded


@dataclass(frozen=True, slots=True)
class Person:
    user_id: str
    facts: Mapping[str, str | int]  # empty for those who declared nothing
    locale: str
    age: int
    consents: Mapping[str, bool]  # purposes that the person was asked about
    activity: Activity
    sessions: float  # expected in six months
    price_sensitivity: float  # 0 to 1
    interests_start: NDArray[np.float64]  # share by domain, six months ago
    interests_end: NDArray[np.float64]  # share by domain, at the load
    topic_taste: NDArray[np.float64]  # share by topic inside its domain, (84,)
    needs: tuple[Need, ...]


def draw_people(count: int, seed: int) -> tuple[Person, ...]:
    """Person number 1 is the example that the documentation calls for: every fact, every consent, a new child."""
    return (_example(seed), *(_draw(number, seed) for number in range(2, count + 1)))


def person_id(number: int) -> str:
    return f"demo-user-{number:04d}"


def _draw(number: int, seed: int) -> Person:
    rng = np.random.default_rng([seed, 2, number])
    age = int(np.clip(rng.normal(36, 12), 19, 74))
    dependants = _dependants(age, rng)
    activity = ACTIVITIES[int(rng.choice(3, p=ACTIVITY_SHARES))]
    income = int(rng.choice(5, p=_INCOME_SHARES))
    locale = "zh-CN" if rng.random() < 0.78 else "en"
    facts = _facts(rng, age=age, dependants=dependants, income=income, locale=locale)
    start, end = _interests(rng, age=age, dependants=dependants)
    return Person(
        user_id=person_id(number),
        facts=_declared(facts, rng),
        locale=locale,
        age=age,
        consents=_consents(rng),
        activity=activity,
        sessions=_sessions(activity, rng),
        price_sensitivity=float(rng.beta(2.5 - 0.3 * income, 1.0 + 0.4 * income)),
        interests_start=start,
        interests_end=end,
        topic_taste=rng.dirichlet(np.full(12, 0.35), size=len(DOMAINS)).ravel(),
        needs=draw_needs(rng, age=age, dependants=dependants, travel_share=float(end[DOMAINS.index("travel")])),
    )


def _example(seed: int) -> Person:
    rng = np.random.default_rng([seed, 2, 1])
    facts: dict[str, str | int] = {
        "birth_date": "1992-05-17", "region": "CN-SH", "income_band": "upper_middle", "dependants": 1,
        "occupation": "engineer", "gender": "female", "timezone": "Asia/Shanghai", "locale": "zh-CN",
    }  # fmt: skip
    end = np.array([0.30, 0.26, 0.10, 0.04, 0.04, 0.06, 0.20])
    return Person(
        user_id=person_id(1),
        facts=facts,
        locale="zh-CN",
        age=33,
        consents=dict.fromkeys(PURPOSES, True),
        activity="active",
        sessions=48.0,
        price_sensitivity=0.25,
        interests_start=np.array([0.42, 0.28, 0.10, 0.06, 0.06, 0.06, 0.02]),
        interests_end=end,
        topic_taste=rng.dirichlet(np.full(12, 0.35), size=len(DOMAINS)).ravel(),
        needs=(Need("new_child", day=-60),),
    )


def _dependants(age: int, rng: np.random.Generator) -> int:
    likely = 0.15 if age < 27 else 1.3 if age < 52 else 0.7
    return int(min(rng.poisson(likely), 4))


def _facts(rng: np.random.Generator, *, age: int, dependants: int, income: int, locale: str) -> dict[str, str | int]:
    born = _REFERENCE - timedelta(days=age * 365 + age // 4 + int(rng.integers(0, 365)))
    return {
        "birth_date": born.isoformat(),
        "region": REGIONS[int(rng.integers(len(REGIONS)))],
        "income_band": INCOME_BANDS[income],
        "dependants": dependants,
        "occupation": _occupation(age, rng),
        "gender": "female" if rng.random() < 0.53 else "male",
        "timezone": _TIMEZONES[int(rng.choice(4, p=(0.92, 0.03, 0.03, 0.02)))],
        "locale": locale,
    }


def _occupation(age: int, rng: np.random.Generator) -> str:
    if age < 23 and rng.random() < 0.8:
        return "student"
    if age > 60 and rng.random() < 0.8:
        return "retired"
    return "homemaker" if rng.random() < 0.06 else _WORKING[int(rng.integers(len(_WORKING)))]


def _declared(facts: dict[str, str | int], rng: np.random.Generator) -> dict[str, str | int]:
    """Locale and timezone come from the device; the rest is declared by 70 % of people, each fact by 92 % of those."""
    said = rng.random() < 0.70
    kept = rng.random(len(facts)) < 0.92
    return {k: v for k, v, keep in zip(facts, facts.values(), kept, strict=True) if _device(k) or (said and keep)}


def _device(fact: str) -> bool:
    return fact in ("locale", "timezone")


def _consents(rng: np.random.Generator) -> dict[str, bool]:
    """Trusting people grant more of everything; one in eight was never asked."""
    if rng.random() < 0.125:
        return {}
    trust = rng.normal(0, 0.18)
    return {purpose: bool(rng.random() < share + trust) for purpose, share in _GRANTED.items()}


def _sessions(activity: Activity, rng: np.random.Generator) -> float:
    median = {"active": 46.0, "semi-active": 15.0, "inactive": 3.2}[activity]
    return float(median * rng.lognormal(0, 0.3))


def _interests(
    rng: np.random.Generator, *, age: int, dependants: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Dirichlet over the domains, leaning on age and dependants, drifting by 35 % in the half year."""
    lean = {"finance": 1.3 if age > 30 else 0.7, "health": 1.5 if age > 45 else 0.8, "parenting": 0.4 + dependants}
    alpha = 0.4 * np.array([lean.get(domain, 1.0) for domain in DOMAINS])
    start = rng.dirichlet(alpha)
    return start, 0.65 * start + 0.35 * rng.dirichlet(alpha)
