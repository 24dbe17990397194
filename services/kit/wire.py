"""Types that cross the wire: strict at the edge, tolerant between services, localised texts as maps."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints

Locale = Literal["zh-CN", "en"]
DEFAULT_LOCALE: Locale = "zh-CN"

LocalisedText = dict[str, str]
"""Text by BCP 47 tag, e.g. {"zh-CN": "重疾险", "en": "Critical illness"}. Codes are never translated."""

ExternalId = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""An id that a caller chose: opaque, 1 to 128 characters, no control characters."""

Timestamp = AwareDatetime
"""A point in time with an offset; UTC when we write it."""


class EdgeModel(BaseModel):
    """A body that a caller sends: an unknown field is an error that names it."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class MessageModel(BaseModel):
    """A message between services, or an answer: unknown fields are ignored, so that deployments can roll."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def message_of(error: Mapping[str, Any]) -> str:
    """What one of pydantic's errors says, without the words that it puts before what a check of ours has raised."""
    return str(error["msg"]).removeprefix("Value error, ")


def localise(text: Mapping[str, str], locale: str) -> str:
    """The text in `locale`, else in a locale of the same language, else in the default locale, else any; "" when empty."""
    if locale in text:
        return text[locale]
    language = locale.split("-", 1)[0].lower()
    for tag, value in text.items():
        if tag.split("-", 1)[0].lower() == language:
            return value
    return text.get(DEFAULT_LOCALE) or next(iter(text.values()), "")
