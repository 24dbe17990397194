"""What the intent service reads from the environment (`KUAJIE_INTENT_…`)."""

from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings

from services.intent.schemas import MAX_TEXT_CHARS, MAX_TEXTS
from services.kit.settings import SharedSettings, service_config


class IntentSettings(BaseSettings):
    """Sizes of the engine. The defaults suit two cores."""

    model_config = service_config("intent")

    token_budget: int = Field(
        16_384,
        ge=1,
        description="Largest padded size of a batch: its longest text times its number of texts, in tokens.",
    )
    batch_texts: int = Field(64, ge=1, le=1024, description="Most texts in a batch.")
    queue_texts: int = Field(
        1024, ge=MAX_TEXTS, description="Texts that may be under way at a time; more are refused with 429."
    )
    bulk_delay_ms: int = Field(
        200, ge=0, description="How long a text of a request with many texts may be overtaken by single ones."
    )
    encoders: int = Field(2, ge=1, le=64, description="Threads that encode texts.")
    runners: int = Field(1, ge=1, le=64, description="Batches that are computed at a time.")
    cache_answers: int = Field(10_000, ge=0, description="Answers that are kept for texts seen before; 0 keeps none.")
    drain_s: float = Field(10.0, ge=0, description="Seconds that work under way is given when the process ends.")
    shared: SharedSettings = Field(default_factory=SharedSettings, description="Settings common to all services.")

    @model_validator(mode="after")
    def longest_text_fits(self) -> Self:
        if self.token_budget < MAX_TEXT_CHARS:
            raise ValueError(f"token_budget must hold the longest text, {MAX_TEXT_CHARS} tokens")
        return self
