"""Settings of the profile service."""

from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field

from services.kit.money import Currency
from services.kit.settings import DatabaseSettings, service_config


def _known_timezone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("not a time zone of the IANA database")
    return name


TimezoneName = Annotated[str, AfterValidator(_known_timezone)]


class ProfileSettings(DatabaseSettings):
    """Variables begin with `KUAJIE_PROFILE_`."""

    model_config = service_config("profile")

    home_currency: Currency = Field(
        "CNY",
        description="The currency of spending: amounts in it, or in none, add up; others stay on their event only.",
    )
    home_timezone: TimezoneName = Field(
        "Asia/Shanghai", description="Local time of the people who declared no time zone; active hours are read in it."
    )
