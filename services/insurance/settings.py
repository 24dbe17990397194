"""Settings of the insurance service."""

from pydantic import Field

from services.kit.settings import DatabaseSettings, service_config


class InsuranceSettings(DatabaseSettings):
    """Variables begin with `KUAJIE_INSURANCE_`."""

    model_config = service_config("insurance")

    suitability_valid_days: int = Field(
        365, ge=1, le=3650, description="How long a suitability record counts before the questions are asked again."
    )
    catalogue_refresh_s: float = Field(
        2.0,
        gt=0,
        le=60,
        description="How often a process looks for products that another one has made live or retired.",
    )
