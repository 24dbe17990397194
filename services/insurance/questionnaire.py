"""The questionnaire and the numbers of its rule set: read once from data, checked, and used to validate answers."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal, Self

import orjson
from pydantic import Field, model_validator

from services.insurance import suitability_schemas as wire
from services.insurance.definition import Text
from services.insurance.inputs import InputProblem
from services.insurance.suitability import Answer, Answers, RuleSet
from services.kit.wire import EdgeModel, Locale, localise

PATH = Path(__file__).parent / "suitability_rules.json"


class Option(EdgeModel):
    value: str
    text: Text


class Condition(EdgeModel):
    question: str
    value: str


class Question(EdgeModel):
    """One question; see the wire type of the same name."""

    id: str
    kind: Literal["many", "one", "whole", "yes_no"]
    text: Text
    options: list[Option] = Field(default_factory=list)
    minimum: int | None = None
    maximum: int | None = None
    exclusive: str | None = None
    required_when: Condition | None = None

    def values(self) -> set[str]:
        return {option.value for option in self.options}


class Parameters(EdgeModel):
    """The numbers of the rule set, by the values of the answers that they belong to."""

    yearly_income: dict[str, Decimal]
    yearly_budget: dict[str, Decimal | None]
    debt_share: dict[str, Decimal]
    debt_share_cap: Decimal
    premium_share_cap: Decimal
    premium_share_cap_senior: Decimal
    risk_by_tolerance: dict[str, int]
    risk_by_loss_reaction: dict[str, int]
    risk_by_horizon: dict[str, int]
    risk_by_emergency_fund: dict[str, int]
    risk_cap_senior: int
    horizon_years: dict[str, int]
    commitment_years_cap_senior: int


# Which question's values a table of parameters must cover.
_TABLES = {
    "yearly_income": "income_band",
    "yearly_budget": "yearly_budget",
    "debt_share": "debt_share",
    "risk_by_tolerance": "risk_tolerance",
    "risk_by_loss_reaction": "loss_reaction",
    "risk_by_horizon": "horizon",
    "risk_by_emergency_fund": "emergency_fund",
    "horizon_years": "horizon",
}


class SuitabilityRules(EdgeModel):
    """A version of the questionnaire with a version of the rules."""

    questionnaire_version: str
    rule_set_version: str
    currency: str
    timezone: str
    questions: list[Question]
    parameters: Parameters

    @model_validator(mode="after")
    def _tables_cover_their_answers(self) -> Self:
        by_id = {question.id: question for question in self.questions}
        for table, question in _TABLES.items():
            if set(getattr(self.parameters, table)) != by_id[question].values():
                raise ValueError(f"parameters.{table}: must have exactly the values of the question {question}")
        return self

    def rule_set(self) -> RuleSet:
        return RuleSet(version=self.rule_set_version, **dict(self.parameters))

    def in_locale(self, locale: Locale) -> wire.Questionnaire:
        """The questions as they are shown."""
        return wire.Questionnaire(
            version=self.questionnaire_version,
            rule_set_version=self.rule_set_version,
            locale=locale,
            questions=[_shown(question, locale) for question in self.questions],
        )

    def problems(self, answers: Mapping[str, Any]) -> list[InputProblem]:
        """Everything wrong with answers, by question; empty when they can be judged."""
        known = {question.id for question in self.questions}
        unknown = [InputProblem(name, "unknown", f"{name} is not a question") for name in sorted(set(answers) - known)]
        return unknown + [problem for question in self.questions for problem in _wrong(question, answers)]


def frozen_answers(answers: Mapping[str, Any]) -> Answers:
    """Validated answers as the rules take them: lists as tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in answers.items()}


@cache
def current_rules() -> SuitabilityRules:
    """The rules of this build; read once."""
    return SuitabilityRules.model_validate(orjson.loads(PATH.read_bytes()))


def _shown(question: Question, locale: Locale) -> wire.Question:
    return wire.Question(
        id=question.id,
        kind=question.kind,
        text=localise(question.text, locale),
        options=[wire.Option(value=each.value, text=localise(each.text, locale)) for each in question.options],
        minimum=question.minimum,
        maximum=question.maximum,
        exclusive=question.exclusive,
        required_when=wire.QuestionCondition(**question.required_when.model_dump()) if question.required_when else None,
    )


def _wrong(question: Question, answers: Mapping[str, Any]) -> Iterator[InputProblem]:
    if question.id not in answers:
        condition = question.required_when
        if condition is None or answers.get(condition.question) == condition.value:
            yield InputProblem(question.id, "missing", f"{question.id} must be answered")
        return
    said = _fault(question, answers[question.id])
    if said is not None:
        yield InputProblem(question.id, "invalid_answer", f"{question.id} {said}")


def _fault(question: Question, answer: Answer | list[str]) -> str | None:
    match question.kind:
        case "yes_no":
            return None if isinstance(answer, bool) else "must be true or false"
        case "whole":
            lowest, highest = question.minimum or 0, question.maximum or 0
            fits = isinstance(answer, int) and not isinstance(answer, bool) and lowest <= answer <= highest
            return None if fits else f"must be a whole number from {lowest} to {highest}"
        case "one":
            return None if isinstance(answer, str) and answer in question.values() else "must be one of its options"
        case "many":
            return _fault_of_many(question, answer)


def _fault_of_many(question: Question, answer: Answer | list[str]) -> str | None:
    if not isinstance(answer, list) or not answer or not set(answer) <= question.values():
        return "must be a list of at least one of its options"
    if len(set(answer)) != len(answer):
        return "must name each option once"
    if question.exclusive in answer and len(answer) > 1:
        return f"cannot combine {question.exclusive} with other options"
    return None
