"""Messages about suitability: the questions, the answers, and the record that is kept of them."""

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field

from services.insurance.wire_types import Kind, Link, Reasoned
from services.kit.wire import DEFAULT_LOCALE, EdgeModel, ExternalId, Locale, MessageModel


class Option(MessageModel):
    """One possible answer."""

    value: str
    text: str


class QuestionCondition(MessageModel):
    """A question that must be answered only after this answer to another."""

    question: str
    value: str


class Question(MessageModel):
    """One question. `many` takes a list of values, `one` a value, `whole` a whole number, `yes_no` a boolean."""

    id: str
    kind: Literal["many", "one", "whole", "yes_no"]
    text: str
    options: list[Option]
    minimum: int | None
    maximum: int | None
    exclusive: str | None = Field(description="The value that goes with no other.")
    required_when: QuestionCondition | None = Field(description="Null when it must always be answered.")


class Questionnaire(MessageModel):
    """The questions of one version, in one language."""

    version: str
    rule_set_version: str
    locale: Locale
    questions: list[Question]


class SuitabilityRequest(EdgeModel):
    """A person's answers. `questionnaire_version` guards against answers to other questions."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "user_id": "u1",
                    "questionnaire_version": "2026.1",
                    "answers": {
                        "needs": ["serious_illness", "medical_costs"],
                        "existing_cover": ["social_medical"],
                        "income_band": "upper_middle",
                        "yearly_budget": "3000_10000",
                        "debt_share": "under_20",
                        "emergency_fund": "3_6",
                        "risk_tolerance": "balanced",
                        "loss_reaction": "hold",
                        "horizon": "5_10",
                        "dependants": 1,
                        "understands_risks": True,
                        "age_band": "18_64",
                    },
                    "locale": "zh-CN",
                }
            ]
        },
    )

    user_id: ExternalId
    answers: dict[str, bool | int | str | list[str]]
    questionnaire_version: str | None = Field(None, max_length=32)
    locale: Locale = DEFAULT_LOCALE


class KindVerdict(Reasoned):
    """The verdict on one kind of product; `advice` says plainly when the person should stop."""

    verdict: Literal["suitable", "advise_against", "not_suitable"]
    advice: str | None = None


class SuitabilityRecord(MessageModel):
    """What was asked, by which rules it was judged, what came out, and until when that counts."""

    record_id: str
    user_id: str
    questionnaire_version: str
    rule_set_version: str
    answers: dict[str, bool | int | str | list[str]]
    risk_level: int = Field(description="1 (no losses) to 5: the lowest of what is accepted and what can be borne.")
    premium_share_cap: str = Field(description="The share of yearly income that one premium may take at most.")
    verdicts: dict[Kind, KindVerdict]
    recorded_at: datetime
    expires_at: datetime


class SuitabilityState(MessageModel):
    """The newest record of a person and whether it still counts."""

    user_id: str
    status: Literal["none", "valid", "expired"]
    record: SuitabilityRecord | None
    links: list[Link]
