"""Small types that several of the service's messages share."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, PlainSerializer, StringConstraints

from services.kit.wire import MessageModel, Timestamp

Kind = Literal["insurance", "loan", "instalment", "wealth"]
ProductId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{2,63}$")]

Exact = Annotated[Decimal, PlainSerializer(lambda number: format(number.normalize(), "f"), return_type=str)]
"""A decimal number as a string, with every digit that it has: factors and running amounts are not money."""


def _within_reach(moment: datetime) -> datetime:
    if not datetime(2000, 1, 1, tzinfo=UTC) <= moment < datetime(2200, 1, 1, tzinfo=UTC):
        raise ValueError("must lie between the years 2000 and 2200")
    return moment


Moment = Annotated[Timestamp, AfterValidator(_within_reach)]
"""A moment to answer for; near enough that every timezone has a calendar day for it."""


class Link(MessageModel):
    """Where to go for what is missing."""

    rel: str
    href: str
    method: str


class Reasoned(MessageModel):
    """Stable codes, and what they mean in the reader's language, in the same order."""

    reason_codes: list[str]
    reasons: list[str]
