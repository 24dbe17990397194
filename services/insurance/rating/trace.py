"""The calculation of a price, written down so that anyone can do it again."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Literal

Operation = Literal["set", "multiply", "divide", "add", "raise_to", "round"]

# Fifty digits hold the product of a dozen four-digit factors exactly, so nothing is rounded before the table says so.
PRECISE = Context(prec=50, rounding=ROUND_HALF_UP)


class RatingRefused(ValueError):
    """Inputs that no price can be made of. `input` names the one at fault, `code` says why."""

    def __init__(self, code: str, name: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.input = name
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Step:
    """One line: what was done with `operand`, for which input value, and the running amount after it."""

    code: str
    operation: Operation
    operand: Decimal
    amount: Decimal
    input: str | None = None
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Rounding:
    """Half-up to a multiple of `step`, as the table states it."""

    step: Decimal

    def apply(self, amount: Decimal) -> Decimal:
        """The nearest multiple of the step; halves go away from zero."""
        steps = PRECISE.divide(amount, self.step).quantize(Decimal(1), rounding=ROUND_HALF_UP, context=PRECISE)
        return PRECISE.multiply(steps, self.step)


def replay(steps: Iterable[Step]) -> Decimal:
    """The amount that a trace leads to when its operations are done again from nothing."""
    amount = Decimal(0)
    for step in steps:
        amount = _apply(step.operation, amount, step.operand)
    return amount


def _apply(operation: Operation, amount: Decimal, operand: Decimal) -> Decimal:
    match operation:
        case "set":
            return operand
        case "multiply":
            return PRECISE.multiply(amount, operand)
        case "divide":
            return PRECISE.divide(amount, operand)
        case "add":
            return PRECISE.add(amount, operand)
        case "raise_to":
            return max(amount, operand)
        case "round":
            return Rounding(operand).apply(amount)
