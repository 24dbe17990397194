"""Money: `Decimal` inside, a string and an ISO 4217 code on the wire."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated

from pydantic import Field, PlainSerializer, StringConstraints

from services.kit.wire import MessageModel

# ISO 4217 minor units that are not two.
_MINOR_UNITS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "ISK": 0, "BHD": 3, "KWD": 3, "OMR": 3, "TND": 3, "JOD": 3}

Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Amount = Annotated[
    Decimal,
    Field(max_digits=18, decimal_places=6, allow_inf_nan=False),
    PlainSerializer(lambda amount: format(amount, "f"), return_type=str, when_used="json"),
]


class Money(MessageModel):
    """An amount in a currency: `{"amount": "12.30", "currency": "CNY"}`."""

    amount: Amount
    currency: Currency


def minor_unit(currency: str) -> Decimal:
    """The smallest amount of a currency: 0.01 for CNY, 1 for JPY."""
    return Decimal(1).scaleb(-_MINOR_UNITS.get(currency, 2))


def round_half_up(amount: Decimal, currency: str) -> Decimal:
    """`amount` to the currency's minor unit, halves away from zero (the trade's rule, not banker's rounding)."""
    return amount.quantize(minor_unit(currency), rounding=ROUND_HALF_UP)
