"""Answers are checked question by question; the questionnaire and the rules agree."""

from typing import Any, get_args

import orjson
import pytest
from pydantic import ValidationError

from services.insurance.definition_rules import Cover, Need
from services.insurance.questionnaire import PATH, SuitabilityRules, current_rules

RULES = current_rules()
ANSWERS: dict[str, Any] = {
    "needs": ["travel"],
    "existing_cover": ["none"],
    "income_band": "middle",
    "yearly_budget": "3000_10000",
    "debt_share": "none",
    "emergency_fund": "over_6",
    "risk_tolerance": "balanced",
    "loss_reaction": "hold",
    "horizon": "5_10",
    "dependants": 0,
    "understands_risks": True,
    "age_band": "18_64",
}


def wrong(**changes: Any) -> list[tuple[str, str]]:
    answers = {name: value for name, value in {**ANSWERS, **changes}.items() if value is not None}
    return [(problem.name, problem.code) for problem in RULES.problems(answers)]


def test_complete_answers_have_no_problem() -> None:
    assert wrong() == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"horizon": None}, [("horizon", "missing")]),
        ({"horizon": "forever"}, [("horizon", "invalid_answer")]),
        ({"needs": []}, [("needs", "invalid_answer")]),
        ({"needs": ["travel", "travel"]}, [("needs", "invalid_answer")]),
        ({"needs": "travel"}, [("needs", "invalid_answer")]),
        ({"existing_cover": ["none", "life"]}, [("existing_cover", "invalid_answer")]),
        ({"dependants": -1}, [("dependants", "invalid_answer")]),
        ({"dependants": True}, [("dependants", "invalid_answer")]),
        ({"dependants": "2"}, [("dependants", "invalid_answer")]),
        ({"understands_risks": "yes"}, [("understands_risks", "invalid_answer")]),
        ({"age_band": "65_plus"}, [("accompanied", "missing")]),
        ({"age_band": "65_plus", "accompanied": False}, []),
        ({"shoe_size": 44}, [("shoe_size", "unknown")]),
    ],
)
def test_each_fault_is_named(changes: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert wrong(**changes) == expected


def test_products_speak_of_the_needs_and_cover_that_are_asked_about() -> None:
    values = {question.id: question.values() for question in RULES.questions}
    assert set(get_args(Need)) == values["needs"]
    assert set(get_args(Cover)) | {"none"} == values["existing_cover"]


def test_a_parameter_without_its_answer_is_refused() -> None:
    document = orjson.loads(PATH.read_bytes())
    del document["parameters"]["yearly_income"]["high"]
    with pytest.raises(ValidationError, match=r"parameters\.yearly_income"):
        SuitabilityRules.model_validate(document)


def test_questions_come_in_both_languages() -> None:
    assert RULES.in_locale("zh-CN").questions[0].text == "您现在希望解决哪些需求？"
    assert RULES.in_locale("en").questions[0].options[0].text == "Medical costs"
