"""Messages of a batch, judged one by one: each becomes an event, or a verdict that names the field at fault."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from services.kit.ids import new_id
from services.kit.money import Currency
from services.kit.wire import EdgeModel, ExternalId, message_of
from services.profile.cleaning import MAX_VALUE, RowRefused, properties_text, six_places
from services.profile.events import ITEM_EVENTS, Event, EventName
from services.profile.facts import DeclaredFacts
from services.profile.moments import InvalidMoment, parse_moment, repaired


def _moment(value: object) -> datetime:
    try:
        return parse_moment(value)
    except InvalidMoment as error:
        raise PydanticCustomError("invalid_moment", "{reason}", {"reason": str(error)}) from error


def _number(value: object) -> object:
    if isinstance(value, bool):
        raise PydanticCustomError("invalid_number", "Input should be a number")
    return value


Moment = Annotated[datetime, BeforeValidator(_moment)]
Value = Annotated[
    Decimal, BeforeValidator(_number), Field(ge=0, lt=MAX_VALUE, allow_inf_nan=False), AfterValidator(six_places)
]


class Properties(EdgeModel):
    """What an event is about. Further properties are the caller's own and are kept."""

    model_config = ConfigDict(extra="allow")

    item_id: ExternalId | None = None
    value: Value | None = None
    currency: Currency | None = None


ANONYMOUS = "anonymous:"
"""Leads the id of a visitor who is not known by a user id. A browser chooses anonymous ids: they must never name a person."""

AnonymousId = Annotated[ExternalId, Field(max_length=128 - len(ANONYMOUS))]


class _Message(EdgeModel):
    message_id: ExternalId
    user_id: ExternalId | None = None
    anonymous_id: AnonymousId | None = None
    timestamp: Moment | None = None
    sent_at: Moment | None = None

    @model_validator(mode="after")
    def _somebody(self) -> "_Message":
        if self.user_id is None and self.anonymous_id is None:
            raise PydanticCustomError("missing_user_id", "user_id or anonymous_id is required")
        return self

    @property
    def person(self) -> str:
        return self.user_id or f"{ANONYMOUS}{self.anonymous_id}"


class Track(_Message):
    type: Literal["track"]
    event: EventName
    properties: Properties = Properties()

    @model_validator(mode="after")
    def _item_of_item_events(self) -> "Track":
        if self.event in ITEM_EVENTS and self.properties.item_id is None:
            raise PydanticCustomError("missing_item_id", "properties.item_id is required for this event")
        return self


class Page(_Message):
    type: Literal["page"]
    name: Annotated[str, Field(max_length=256)] | None = None
    properties: Properties = Properties()


class IdentifyMessage(_Message):
    type: Literal["identify"]
    traits: DeclaredFacts = DeclaredFacts()


_MESSAGE: TypeAdapter[Track | Page | IdentifyMessage] = TypeAdapter(
    Annotated[Track | Page | IdentifyMessage, Field(discriminator="type")]
)


@dataclass(frozen=True, slots=True)
class Message:
    """A message that can be kept; `facts` are what an identify declares."""

    event: Event
    facts: dict[str, Any] | None = None


class MessageRefused(RowRefused):
    """Why a message cannot be kept; `param` is relative to the message."""


def read_message(raw: object, *, tenant_id: str, received_at: datetime, now: datetime | None = None) -> Message:
    """The message as an event, its clock repaired by its arrival. `now` differs from that in a replay. Raises MessageRefused."""
    try:
        said = _MESSAGE.validate_python(raw)
        given = raw["properties"] if isinstance(raw, Mapping) and "properties" in raw else {}
        properties = properties_text(given)
    except ValidationError as error:
        raise refusal(error) from error
    except RowRefused as error:
        raise MessageRefused(error.reason, error.param, error.detail) from error
    return Message(_event(said, properties, tenant_id, received_at, now or received_at), _facts(said))


def _event(
    said: Track | Page | IdentifyMessage, properties: str, tenant_id: str, received_at: datetime, now: datetime
) -> Event:
    about = said.properties if not isinstance(said, IdentifyMessage) else Properties()
    try:
        occurred_at = repaired(said.timestamp, said.sent_at, received_at, now)
    except InvalidMoment as error:
        raise MessageRefused("invalid_timestamp", "timestamp", str(error)) from error
    return Event(
        tenant_id=tenant_id,
        message_id=said.message_id,
        user_id=said.person,
        anonymous_id=said.anonymous_id,
        kind=said.type,
        name=said.event if isinstance(said, Track) else None,
        item_id=about.item_id,
        value=about.value,
        currency=about.currency,
        occurred_at=occurred_at,
        received_at=received_at,
        properties=properties,
    )


def _facts(said: Track | Page | IdentifyMessage) -> dict[str, Any] | None:
    return said.traits.model_dump(mode="json", exclude_unset=True) if isinstance(said, IdentifyMessage) else None


def identify_message(
    user_id: str, traits: DeclaredFacts, message_id: str | None, *, tenant_id: str, received_at: datetime
) -> Message:
    """The message that a call of /v1/identify stands for."""
    said = IdentifyMessage(
        type="identify", message_id=message_id or new_id("msg"), user_id=user_id, traits=traits, timestamp=None
    )
    return Message(_event(said, "{}", tenant_id, received_at, received_at), _facts(said))


_TAGS = {"track", "page", "identify"}
_CODE_BY_TYPE = {
    "extra_forbidden": "unknown_field",
    "union_tag_invalid": "unknown_type",
    "union_tag_not_found": "missing_type",
    "missing_user_id": "missing_user_id",
    "missing_item_id": "missing_item_id",
}
_CODE_BY_TYPE_AND_PARAM = {("literal_error", "event"): "unknown_event"}
_PARAM_BY_TYPE = {"missing_user_id": "user_id", "missing_item_id": "properties.item_id"}


def refusal(error: ValidationError) -> MessageRefused:
    """Pydantic's first complaint as a stable code: missing_x, unknown_x or invalid_x."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    kind, location = first["type"], [str(part) for part in first["loc"]]
    if kind.startswith("union_tag"):
        location = ["type"]
    elif location and location[0] in _TAGS:
        location = location[1:]
    param = _PARAM_BY_TYPE.get(kind) or ".".join(location) or "message"
    last = param.rsplit(".", 1)[-1]
    invented = f"missing_{last}" if kind == "missing" else f"invalid_{last}"
    code = _CODE_BY_TYPE_AND_PARAM.get((kind, param)) or _CODE_BY_TYPE.get(kind) or invented
    return MessageRefused(code, param, message_of(first))


def raw_message_id(raw: object) -> str | None:
    """The id of a refused message, where it can be told at all."""
    given = raw.get("message_id") if isinstance(raw, Mapping) else None
    return given if isinstance(given, str) and 0 < len(given) <= 128 else None


def payload_text(raw: object) -> str:
    """A refused message as text that PostgreSQL can hold, whatever it is."""
    try:
        return orjson.dumps(raw).decode()
    except (TypeError, RecursionError):
        return repr(raw).encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")
