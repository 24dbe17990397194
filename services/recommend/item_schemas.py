"""Items on the wire: bodies of callers are strict and name the field at fault."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field, StringConstraints, field_validator
from pydantic.json_schema import WithJsonSchema

from services.kit.money import Money
from services.kit.wire import EdgeModel, ExternalId, LocalisedText, MessageModel

MAX_TITLE = 500
MAX_DESCRIPTION = 20_000
UNDETERMINED = "und"
"""BCP 47's tag for a text whose language was not said."""

Category = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f|]+$")]
LanguageTag = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]
ItemStatus = Literal["active", "hidden"]


def read_texts(value: object, limit: int) -> dict[str, str]:
    """A text, or texts by locale, as a map. Raises ValueError; a plain text gets the tag `und`."""
    texts = {UNDETERMINED: value} if isinstance(value, str) else value
    if not isinstance(texts, dict) or not 1 <= len(texts) <= 20:
        raise ValueError("a text, or an object of texts by locale, is required")
    for tag, text in texts.items():
        if not isinstance(text, str) or not text.strip() or len(text) > limit or "\x00" in text:
            raise ValueError(f"every text must have 1 to {limit} characters")
        if not 2 <= len(tag) <= 35:
            raise ValueError("a locale is a BCP 47 tag such as zh-CN")
    return {tag: text.strip() for tag, text in texts.items()}


_TEXTS_SCHEMA = WithJsonSchema(
    {"anyOf": [{"type": "string"}, {"type": "object", "additionalProperties": {"type": "string"}}]}, mode="validation"
)
Title = Annotated[dict[str, str], BeforeValidator(lambda value: read_texts(value, MAX_TITLE)), _TEXTS_SCHEMA]
Description = Annotated[
    dict[str, str], BeforeValidator(lambda value: read_texts(value, MAX_DESCRIPTION)), _TEXTS_SCHEMA
]


class ItemIn(EdgeModel):
    """One item of the catalogue. Its domain is its first category."""

    item_id: ExternalId
    title: Title
    categories: Annotated[list[Category], Field(min_length=1, max_length=32)]
    price: Money | None = None
    language: LanguageTag | None = None
    description: Description | None = None
    published_at: AwareDatetime | None = None
    status: ItemStatus = "active"

    @field_validator("price")
    @classmethod
    def _not_below_zero(cls, price: Money | None) -> Money | None:
        if price is not None and price.amount < 0:
            raise ValueError("a price is not below zero")
        return price


class ItemsIn(EdgeModel):
    """Items to insert, or to replace by id. The last of two with one id counts."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {
                            "item_id": "c-102",
                            "title": {"zh-CN": "家庭保险入门", "en": "Insurance for families"},
                            "categories": ["finance", "insurance"],
                            "price": {"amount": "99.00", "currency": "CNY"},
                            "language": "zh-CN",
                            "published_at": "2026-05-01T00:00:00Z",
                        }
                    ]
                }
            ]
        }
    )

    items: Annotated[list[ItemIn], Field(min_length=1, max_length=1000)]


class Upserted(MessageModel):
    """How many items were given; how many of them were new or different."""

    upserted: int
    changed: int


class Item(MessageModel):
    """One item as it is stored."""

    item_id: str
    title: LocalisedText
    categories: list[str]
    price: Money | None
    language: str | None
    description: LocalisedText | None
    published_at: datetime | None
    status: ItemStatus
    updated_at: datetime


class RowProblem(MessageModel):
    """A row of a file that was not taken."""

    row: int
    reason: str
    param: str | None
    detail: str


class ImportReport(MessageModel):
    """What became of a file: `read = kept + duplicates + rejected`, with the first hundred rejected rows."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "read": 3,
                    "kept": 1,
                    "duplicates": 1,
                    "rejected": 1,
                    "reasons": {"invalid_price": 1},
                    "rows": [{"row": 3, "reason": "invalid_price", "param": "price", "detail": "not a number"}],
                }
            ]
        }
    )

    read: int
    kept: int
    duplicates: int
    rejected: int
    reasons: dict[str, int]
    rows: list[RowProblem]
