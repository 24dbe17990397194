"""Rows of a bulk import made into events, or refused with a reason. Pure, and quick enough for millions: no model per row."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from services.profile.events import EVENT_NAMES, ITEM_EVENTS, PURCHASE, Event
from services.profile.moments import InvalidMoment, bounded, parse_moment

LONGEST_ID = 128
MAX_VALUE = Decimal(10) ** 12
MAX_PROPERTIES_BYTES = 32 * 1024

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CURRENCY = re.compile(r"[A-Z]{3}")


class RowRefused(ValueError):
    """Why a row cannot be an event: a stable reason, the field at fault, and a sentence that does not repeat the value."""

    def __init__(self, reason: str, param: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.param = param
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that was not kept."""

    row: int
    reason: str
    param: str
    detail: str
    payload: str


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What became of some rows."""

    read: int
    events: list[Event]
    refusals: list[Refusal] = field(default_factory=list)


def clean_lines(lines: Iterable[bytes], *, tenant_id: str, received_at: datetime, first_row: int = 1) -> Cleaned:
    """Every non-empty NDJSON line as an event or a refusal. A line's own `row` wins over its place in `lines`."""
    events: list[Event] = []
    refusals: list[Refusal] = []
    read = 0
    for number, line in enumerate(lines, first_row):
        if not line.strip():
            continue
        read += 1
        row = number
        try:
            raw = parse_row(line)
            row = _row_number(raw, number)
            events.append(clean_row(raw, tenant_id=tenant_id, received_at=received_at))
        except RowRefused as refused:
            refusals.append(Refusal(row, refused.reason, refused.param, refused.detail, _payload(line)))
    return Cleaned(read, events, refusals)


def _payload(line: bytes) -> str:
    """A refused line as text that PostgreSQL can hold, without its row number, so that it is the same in every file."""
    try:
        raw = parse_row(line)
    except RowRefused:
        return line.decode("utf-8", "replace").strip().replace("\x00", "\ufffd")
    return orjson.dumps({name: value for name, value in raw.items() if name != "row"}).decode()


def parse_row(line: bytes | str) -> dict[str, Any]:
    """One line's object. Raises RowRefused."""
    try:
        raw = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise RowRefused("invalid_json", "row", "The line is not valid JSON.") from error
    if not isinstance(raw, dict):
        raise RowRefused("invalid_row", "row", "The line is not a JSON object.")
    return raw


def _row_number(raw: Mapping[str, Any], number: int) -> int:
    row = raw.get("row")
    return row if isinstance(row, int) and not isinstance(row, bool) and row >= 0 else number


def clean_row(raw: Mapping[str, Any], *, tenant_id: str, received_at: datetime) -> Event:
    """The event that a row says. Raises RowRefused at the first field at fault."""
    user_id = _identifier(raw, "user_id")
    name = raw.get("type") or PURCHASE
    if not isinstance(name, str) or name not in EVENT_NAMES:
        raise RowRefused("unknown_type", "type", "The type is not an event name of this API.")
    item_id = _identifier(raw, "item_id") if name in ITEM_EVENTS or raw.get("item_id") else None
    stated_at = _stated_at(raw)
    occurred_at = _not_ahead(stated_at, received_at)
    value = _value(raw.get("value"))
    currency = _currency(raw.get("currency"))
    properties = _properties(raw.get("properties"))
    given = _identifier(raw, "message_id") if raw.get("message_id") else None
    message_id = given or fingerprint(tenant_id, user_id, item_id, name, stated_at)
    return Event(
        tenant_id,
        message_id,
        user_id,
        None,
        "track",
        name,
        item_id,
        value,
        currency,
        occurred_at,
        received_at,
        properties,
    )


def fingerprint(tenant_id: str, user_id: str, item_id: str | None, name: str, stated_at: datetime) -> str:
    """The message id of a row that brings none: the same row always gets the same one, so importing it again adds nothing."""
    moment = f"{int(stated_at.timestamp())}.{stated_at.microsecond}"
    text = f"{tenant_id}\x1f{user_id}\x1f{item_id}\x1f{name}\x1f{moment}"
    return "row_" + hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _identifier(raw: Mapping[str, Any], name: str) -> str:
    value = raw.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is None or value == "":
        raise RowRefused(f"missing_{name}", name, f"{name} is missing.")
    if not isinstance(value, str) or len(value) > LONGEST_ID or (not value.isprintable() and _CONTROL.search(value)):
        raise RowRefused(
            f"invalid_{name}", name, f"{name} is text of 1 to {LONGEST_ID} characters, none of them control."
        )
    return value


def _stated_at(raw: Mapping[str, Any]) -> datetime:
    value = raw.get("timestamp")
    if value is None or value == "":
        raise RowRefused("missing_timestamp", "timestamp", "timestamp is missing.")
    try:
        return parse_moment(value)
    except InvalidMoment as error:
        raise RowRefused("invalid_timestamp", "timestamp", str(error)) from error


def _not_ahead(stated_at: datetime, received_at: datetime) -> datetime:
    try:
        return bounded(stated_at, received_at)
    except InvalidMoment as error:
        raise RowRefused("invalid_timestamp", "timestamp", str(error)) from error


def _value(value: object) -> Decimal | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise RowRefused("invalid_value", "value", "value is a number.")
    try:
        amount = Decimal(str(value).strip())
        if not 0 <= amount < MAX_VALUE:
            raise RowRefused("invalid_value", "value", "value is not between 0 and 10^12.")
        return six_places(amount)
    except InvalidOperation as error:
        raise RowRefused("invalid_value", "value", "value is not a number.") from error


def six_places(amount: Decimal) -> Decimal:
    """`amount` as the table holds it: no more than six decimal places, and as written where it has fewer."""
    exponent = amount.as_tuple().exponent
    return amount if isinstance(exponent, int) and exponent >= -6 else round(amount, 6)


def _currency(value: object) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not _CURRENCY.fullmatch(value):
        raise RowRefused("invalid_currency", "currency", "currency is a code of three capital letters (ISO 4217).")
    return value


def _properties(value: object) -> str:
    if value is None or value == "":
        return "{}"
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise RowRefused("invalid_properties", "properties", "properties is not valid JSON.") from error
    return properties_text(value)


def properties_text(value: object) -> str:
    """A JSON object as text that PostgreSQL can hold. Raises RowRefused."""
    if not isinstance(value, dict):
        raise RowRefused("invalid_properties", "properties", "properties is a JSON object.")
    try:
        text = orjson.dumps(value)
    except (TypeError, RecursionError) as error:
        raise RowRefused("invalid_properties", "properties", "properties holds text that is not Unicode.") from error
    if len(text) > MAX_PROPERTIES_BYTES:
        raise RowRefused(
            "properties_too_large", "properties", f"properties is larger than {MAX_PROPERTIES_BYTES} bytes."
        )
    if b"\\u0000" in text:
        raise RowRefused("invalid_properties", "properties", "properties holds the character U+0000.")
    return text.decode()
