"""What recommend reads from its environment."""

from pydantic import Field

from services.kit.settings import DatabaseSettings, service_config


class RecommendSettings(DatabaseSettings):
    """Variables begin with `KUAJIE_RECOMMEND_`."""

    model_config = service_config("recommend")

    history_length: int = Field(
        200, ge=1, le=5_000, description="How many of a person's latest interactions a recommendation looks at."
    )
    catalogue_refresh_s: float = Field(
        1.0, gt=0, le=60, description="How often changed items and campaigns are taken into memory, in seconds."
    )
    popularity_refresh_s: float = Field(
        5.0, gt=0, le=3600, description="How often changed popularity is taken into memory, in seconds."
    )
    new_item_share: float = Field(
        0.1, ge=0, le=0.5, description="Share of an answer kept for items that the fitted model does not know yet."
    )
