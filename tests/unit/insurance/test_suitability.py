"""Suitability: verdicts by kind, verdicts on one product at one price, and what changes from 65."""

from decimal import Decimal

import pytest

from services.insurance.questionnaire import current_rules
from services.insurance.suitability import (
    Answer,
    Cost,
    Fit,
    Kind,
    Situation,
    Verdict,
    kind_verdicts,
    product_verdict,
    situation,
)

RULES = current_rules().rule_set()
ANSWERS: dict[str, Answer] = {
    "needs": ("serious_illness",),
    "existing_cover": ("none",),
    "income_band": "middle",
    "yearly_budget": "3000_10000",
    "debt_share": "under_20",
    "emergency_fund": "over_6",
    "risk_tolerance": "balanced",
    "loss_reaction": "hold",
    "horizon": "5_10",
    "dependants": 0,
    "understands_risks": True,
    "age_band": "18_64",
}
COVER = Fit(frozenset({"serious_illness"}), frozenset(), risk_level=1, commitment_years=0)
SUITABLE = Verdict("suitable")


def person(**changes: Answer) -> Situation:
    return situation({**ANSWERS, **changes}, RULES)


def kind(kind: Kind, **changes: Answer) -> Verdict:
    return kind_verdicts(person(**changes), RULES)[kind]


def product(fit: Fit = COVER, cost: Cost = Cost(), *, asked_for: bool = False, **changes: Answer) -> Verdict:  # noqa: B008
    return product_verdict(person(**changes), RULES, SUITABLE, fit, cost, asked_for=asked_for)


def test_a_sound_situation_suits_every_kind() -> None:
    assert set(kind_verdicts(person(), RULES).values()) == {SUITABLE}


@pytest.mark.parametrize(
    ("of", "changes", "expected"),
    [
        ("insurance", {"yearly_budget": "none"}, Verdict("advise_against", ("no_budget_for_cover",))),
        ("insurance", {"age_band": "under_18"}, Verdict("not_suitable", ("under_18",))),
        ("loan", {"debt_share": "over_40"}, Verdict("not_suitable", ("debt_above_cap",))),
        ("instalment", {"debt_share": "over_40"}, Verdict("not_suitable", ("debt_above_cap",))),
        ("loan", {"debt_share": "20_40", "emergency_fund": "under_3"}, Verdict("advise_against", ("reserves_first",))),
        ("wealth", {"understands_risks": False}, Verdict("not_suitable", ("risks_not_understood",))),
        ("wealth", {"emergency_fund": "under_3"}, Verdict("advise_against", ("reserves_first",))),
        ("wealth", {"debt_share": "over_40"}, Verdict("advise_against", ("debt_first",))),
        ("loan", {"age_band": "65_plus", "accompanied": True}, Verdict("advise_against", ("senior_credit",))),
        ("insurance", {"age_band": "65_plus", "accompanied": True}, SUITABLE),
        (
            "insurance",
            {"age_band": "65_plus", "accompanied": False},
            Verdict("advise_against", ("senior_unaccompanied",)),
        ),
        ("wealth", {"age_band": "65_plus", "accompanied": False}, Verdict("not_suitable", ("senior_unaccompanied",))),
    ],
)
def test_what_speaks_against_a_kind(of: Kind, changes: dict[str, Answer], expected: Verdict) -> None:
    assert kind(of, **changes) == expected


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ({}, 3),
        ({"risk_tolerance": "aggressive", "loss_reaction": "buy_more", "horizon": "over_10"}, 5),
        ({"risk_tolerance": "aggressive", "loss_reaction": "sell_all", "horizon": "over_10"}, 1),
        ({"risk_tolerance": "aggressive", "loss_reaction": "buy_more", "horizon": "under_1"}, 1),
        ({"risk_tolerance": "aggressive", "loss_reaction": "buy_more", "emergency_fund": "under_3"}, 1),
        ({"age_band": "65_plus", "accompanied": True}, 2),
    ],
)
def test_risk_is_the_lowest_of_what_is_accepted_and_what_can_be_borne(changes: dict[str, Answer], level: int) -> None:
    assert person(**changes).risk_level == level


def test_a_need_must_have_been_stated_or_be_asked_for_now() -> None:
    assert product(needs=("travel",)) == Verdict("advise_against", ("need_not_stated",))
    assert product(needs=("travel",), asked_for=True) == SUITABLE


def test_asking_for_it_bends_nothing_else() -> None:
    fund = Fit(frozenset({"grow_savings"}), frozenset(), risk_level=4, commitment_years=0)
    assert product(fund, asked_for=True) == Verdict("not_suitable", ("risk_above_tolerance",))


def test_a_premium_may_take_a_fifth_of_income_and_a_tenth_from_65() -> None:
    rich = {"yearly_budget": "over_10000"}
    assert product(cost=Cost(yearly_premium=Decimal(24000)), **rich) == SUITABLE
    assert product(cost=Cost(yearly_premium=Decimal("24000.01")), **rich).codes == ("premium_above_cap",)
    senior: dict[str, Answer] = {**rich, "age_band": "65_plus", "accompanied": True}
    assert product(cost=Cost(yearly_premium=Decimal(12000)), **senior) == SUITABLE
    assert product(cost=Cost(yearly_premium=Decimal("12000.01")), **senior).codes == ("premium_above_cap",)


def test_a_premium_above_the_own_budget_is_advised_against() -> None:
    assert product(cost=Cost(yearly_premium=Decimal(3001)), yearly_budget="1000_3000") == Verdict(
        "advise_against", ("premium_above_budget",)
    )


def test_repayments_old_and_new_may_take_half_of_income() -> None:
    """Debt of up to 20 % counts as 20 %, so 30 % of 120,000 is left."""
    assert product(cost=Cost(yearly_repayment=Decimal(36000))) == SUITABLE
    assert product(cost=Cost(yearly_repayment=Decimal(36001))) == Verdict("not_suitable", ("repayment_above_cap",))


def test_money_is_not_tied_up_beyond_the_horizon_nor_for_long_from_65() -> None:
    long_term = Fit(COVER.needs, frozenset(), risk_level=1, commitment_years=10)
    assert product(long_term, horizon="over_10") == SUITABLE
    assert product(long_term, horizon="5_10").codes == ("longer_than_horizon",)
    senior: dict[str, Answer] = {"horizon": "over_10", "age_band": "65_plus", "accompanied": True}
    assert product(long_term, **senior).codes == ("senior_long_commitment",)


def test_the_verdict_on_the_kind_carries_over() -> None:
    against = Verdict("advise_against", ("reserves_first",))
    found = product_verdict(person(), RULES, against, COVER, Cost(), asked_for=False)
    assert found == against
