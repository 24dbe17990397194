"""What a person has declared about themselves: the only facts that rating and suitability may ask for."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, ConfigDict, Field, JsonValue, StringConstraints

from services.kit.wire import EdgeModel, Locale, MessageModel

TIMEZONES = available_timezones()
EARLIEST_BIRTH = date(1900, 1, 1)


def _plausible_birth(day: date) -> date:
    latest = (datetime.now(UTC) + timedelta(hours=14)).date()  # Today, wherever it already began.
    if not EARLIEST_BIRTH <= day <= latest:
        raise ValueError("a birth date lies between 1900-01-01 and today")
    return day


def _known_timezone(name: str) -> str:
    if name not in TIMEZONES:
        raise ValueError("not a time zone of the IANA database")
    return name


Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}$")]
BirthDate = Annotated[date, AfterValidator(_plausible_birth)]
TimezoneName = Annotated[str, AfterValidator(_known_timezone)]
Gender = Literal["female", "male", "other", "undisclosed"]

_EXAMPLE: dict[str, JsonValue] = {
    "birth_date": "1992-05-17",
    "region": "CN-SH",
    "income_band": "upper_middle",
    "dependants": 1,
    "occupation": "engineer",
    "gender": "female",
    "timezone": "Asia/Shanghai",
    "locale": "zh-CN",
}


class DeclaredFacts(EdgeModel):
    """What identify brings. A field that is absent stays as it was; null withdraws it; an unknown one is an error."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    birth_date: BirthDate | None = None
    region: Code | None = Field(None, description="ISO 3166-2, e.g. CN-SH, or the caller's own code.")
    income_band: Code | None = None
    dependants: int | None = Field(None, ge=0, le=30, strict=True)
    occupation: Code | None = None
    gender: Gender | None = None
    timezone: TimezoneName | None = None
    locale: Locale | None = None


class Facts(MessageModel):
    """What is known by declaration; null where nothing was declared."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    birth_date: date | None = None
    region: str | None = None
    income_band: str | None = None
    dependants: int | None = None
    occupation: str | None = None
    gender: str | None = None
    timezone: str | None = None
    locale: str | None = None
