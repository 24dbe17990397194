"""Events as this service keeps them, and what each kind of event says about a person."""

from datetime import datetime
from decimal import Decimal
from typing import Literal, NamedTuple, get_args

EventName = Literal[
    "content_viewed",
    "content_searched",
    "content_completed",
    "content_rated",
    "content_commented",
    "content_shared",
    "purchase_completed",
    "purchase_refunded",
    "offer_shown",
    "offer_clicked",
    "quote_requested",
    "policy_bound",
    "product_rated",
    "survey_answered",
    "campaign_shown",
    "campaign_clicked",
    "campaign_converted",
    "decision_shown",
]
EVENT_NAMES: frozenset[str] = frozenset(get_args(EventName))

PURCHASE = "purchase_completed"
REFUND = "purchase_refunded"
COMPLETION = "content_completed"

INTEREST_WEIGHT: dict[str, float] = {
    "content_viewed": 1.0,
    "content_shared": 2.0,
    "content_commented": 2.0,
    "content_rated": 2.0,
    "content_completed": 3.0,
    PURCHASE: 4.0,
    REFUND: -4.0,
}
"""How much an event says about the interest in the item's domain. A refund takes back what the purchase said."""

ITEM_EVENTS: frozenset[str] = frozenset(INTEREST_WEIGHT)
"""Events that are about an item of the catalogue and mean nothing without one."""

IMPRESSIONS: frozenset[str] = frozenset({"offer_shown", "campaign_shown", "decision_shown"})
"""Acts of the platform, not of the person: kept and published, but no sign of activity."""


class Event(NamedTuple):
    """One message, in the order of the columns of the table `events`, so that rows are copied as they are."""

    tenant_id: str
    message_id: str
    user_id: str  # the person: the user id, or `anonymous:` and the anonymous id while there is none
    anonymous_id: str | None
    kind: str  # track, identify or page
    name: str | None  # one of EVENT_NAMES when kind is track
    item_id: str | None
    value: Decimal | None
    currency: str | None
    occurred_at: datetime
    received_at: datetime
    properties: str  # a JSON object
