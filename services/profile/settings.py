"""Settings of the profile service."""

from pydantic import Field

from services.kit.money import Currency
from services.kit.settings import DatabaseSettings, service_config
from services.profile.facts import TimezoneName


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
