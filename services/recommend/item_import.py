"""A file of items, cleaned: the good rows kept, the bad ones counted and named by row and reason. Pure."""

from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
from pydantic import ValidationError

from services.kit.wire import message_of
from services.recommend.item_schemas import ImportReport, ItemIn, RowProblem

NAMED_ROWS = 100
OPTIONAL = ("price", "currency", "language", "description", "published_at", "status")
_EPOCH_MS_FROM = 1e11
"""A number above this is milliseconds since 1970: as seconds it would be after the year 5138."""


class BadRow(ValueError):
    """A row that cannot be taken, and why."""

    def __init__(self, reason: str, param: str | None, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.param = param
        self.detail = detail


@dataclass(slots=True)
class ItemFile:
    """What was found in a file so far. Of two rows with one id the last one counts."""

    lines: int = 0
    read: int = 0
    items: dict[str, ItemIn] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    rows: list[RowProblem] = field(default_factory=list)

    def add(self, lines: Iterable[bytes]) -> None:
        """Take in NDJSON lines; blank ones do not count."""
        for line in lines:
            self.lines += 1
            row = line.removeprefix(BOM_UTF8) if self.lines == 1 else line
            if row.strip():
                self.read += 1
                self._add(row)

    def _add(self, line: bytes) -> None:
        number = self.lines
        try:
            row = read_row(line)
            number = row_number(row, number)
            item = read_item(row)
        except BadRow as bad:
            self.reasons[bad.reason] += 1
            if len(self.rows) < NAMED_ROWS:
                self.rows.append(RowProblem(row=number, reason=bad.reason, param=bad.param, detail=bad.detail))
            return
        self.items[item.item_id] = item

    def report(self, changed: int) -> ImportReport:
        """The report once `changed` items turned out to be new or different; what changed nothing is a duplicate."""
        rejected = self.reasons.total()
        return ImportReport(
            read=self.read,
            kept=changed,
            duplicates=self.read - rejected - changed,
            rejected=rejected,
            reasons=dict(self.reasons),
            rows=self.rows,
        )


def read_row(line: bytes) -> dict[str, Any]:
    """One line as an object; raises BadRow."""
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise BadRow("invalid_json", None, "the line is not JSON") from None
    if not isinstance(row, dict):
        raise BadRow("not_an_object", None, "the line is not a JSON object")
    return row


def row_number(row: dict[str, Any], position: int) -> int:
    """The row's number in the caller's file, if it was sent along."""
    number = row.get("row")
    return number if isinstance(number, int) and number >= 0 else position


def read_item(row: dict[str, Any]) -> ItemIn:
    """A row as an item; columns that are not an item's are left out, blank ones count as absent. Raises BadRow."""
    given = {name: row.get(name) for name in ("item_id", "title", "categories", *OPTIONAL) if not _blank(row.get(name))}
    if isinstance(given.get("item_id"), int):
        given["item_id"] = str(given["item_id"])
    if isinstance(categories := given.get("categories"), str):
        given["categories"] = list(dict.fromkeys(filter(None, map(str.strip, categories.split("|")))))
    if "published_at" in given:
        given["published_at"] = read_moment(given["published_at"])
    given.update(_price(given.pop("price", None), given.pop("currency", None)))
    try:
        return ItemIn.model_validate(given)
    except ValidationError as error:
        raise _bad(error) from None


def _blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip()) or value == []


def _price(amount: object, currency: object) -> dict[str, Any]:
    if amount is None:
        return {}
    if isinstance(amount, dict):
        return {"price": amount}
    if currency is None:
        raise BadRow("missing_currency", "currency", "a price needs its currency")
    return {"price": {"amount": str(amount).strip(), "currency": str(currency).strip().upper()}}


def read_moment(value: object) -> datetime:
    """ISO 8601 (UTC where no offset is given) or seconds or milliseconds since 1970; raises BadRow."""
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    except ValueError:
        number = None
    try:
        if number is not None:
            return datetime.fromtimestamp(number / 1000 if abs(number) >= _EPOCH_MS_FROM else number, UTC)
        moment = datetime.fromisoformat(str(value).strip())
    except (ValueError, OverflowError, OSError):
        raise BadRow("invalid_published_at", "published_at", "neither ISO 8601 nor seconds since 1970") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _bad(error: ValidationError) -> BadRow:
    first = error.errors(include_url=False, include_input=False)[0]
    path = [str(part) for part in first["loc"]] or ["row"]
    name = "currency" if path[:2] == ["price", "currency"] else path[0]
    kind = "missing" if first["type"] == "missing" else "invalid"
    return BadRow(f"{kind}_{name}", name, message_of(first))
