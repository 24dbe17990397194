"""Money: `Decimal` inside, a string and an ISO 4217 code on the wire."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field, PlainSerializer, StringConstraints

from services.kit.wire import MessageModel

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
