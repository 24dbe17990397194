"""Messages about products: what they are, whether they may be sold, what they cost."""

from datetime import date, datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field, JsonValue

from services.insurance.wire_types import Exact, Kind, Moment, Reasoned
from services.kit.money import Money
from services.kit.wire import EdgeModel, LocalisedText, MessageModel

Status = Literal["draft", "live", "retired"]

_CRITICAL_ILLNESS_INPUTS: dict[str, JsonValue] = {
    "birth_date": "1992-05-17",
    "gender": "female",
    "smoker": False,
    "sum_insured": 300000,
    "payment_years": 20,
}


class ProductSummary(MessageModel):
    """A product in a list."""

    product_id: str
    version: int
    kind: Kind
    status: Status
    title: LocalisedText
    summary: LocalisedText
    topics: list[str]
    currency: str
    illustrative: bool
    effective_from: date
    effective_to: date | None


class ProductView(ProductSummary):
    """One version of a product with its whole definition, and the checksum that pins it."""

    checksum: str
    live_at: datetime | None
    retired_at: datetime | None
    definition: dict[str, Any]


class RatingRequest(EdgeModel):
    """Inputs as the product's `inputs` schema asks for them."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [{"inputs": _CRITICAL_ILLNESS_INPUTS}]}
    )

    inputs: dict[str, JsonValue]
    version: int | None = Field(None, ge=1, description="A version of the product; the live one when it is not given.")
    as_of: Moment | None = Field(None, description="The moment that ages are counted at; now when it is not given.")


class TraceStep(MessageModel):
    """One line of the calculation; doing the operations in order gives the result."""

    code: str
    operation: Literal["set", "multiply", "divide", "add", "raise_to", "round"]
    operand: Exact
    amount: Exact
    input: str | None
    value: str | None


class Repayment(MessageModel):
    """Credit and its yearly cost. `apr`: actuarial method, nominal; both rates are fractions, 0.12 for 12 %."""

    principal: Money
    months: int
    payment: Money
    last_payment: Money
    upfront_fee: Money
    total_repaid: Money
    total_cost: Money
    apr: Exact
    effective_annual_rate: Exact


class Charge(MessageModel):
    """One charge of a fund; `inside_value` when it is taken inside the net asset value."""

    code: str
    rate: Exact
    amount: Money
    inside_value: bool


class Charges(MessageModel):
    """What holding a fund costs, at an unchanged value. No return is promised or projected."""

    minimum_purchase: Money
    invested: Money
    charges: list[Charge]
    total: Money


class RatingAnswer(MessageModel):
    """A price with its calculation. `premium` is null where a product has none: credit and funds."""

    product_id: str
    version: int
    kind: Kind
    table_version: str
    rounding: str
    age: int | None
    premium: Money | None
    premium_period: str | None
    repayment: Repayment | None
    charges: Charges | None
    trace: list[TraceStep]
    illustrative: bool
    as_of: datetime


class EligibilityRequest(EdgeModel):
    """Declared facts and, where they matter, rating inputs such as the term."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [{"facts": {"birth_date": "1992-05-17", "region": "CN-SH", "occupation": "engineer"}}]
        },
    )

    facts: dict[str, str | int | bool | None]
    version: int | None = Field(None, ge=1)
    as_of: Moment | None = None
    locale: Literal["zh-CN", "en"] = "zh-CN"


class EligibilityAnswer(Reasoned):
    """The verdict: eligible, referred to an underwriter, incomplete (facts are missing) or ineligible."""

    product_id: str
    version: int
    verdict: Literal["eligible", "referred", "incomplete", "ineligible"]
    age: int | None
    as_of: datetime
