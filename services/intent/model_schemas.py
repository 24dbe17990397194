"""Wire types of models and their administration."""

from typing import Literal

from pydantic import ConfigDict, Field

from services.intent.serving.desired import Role, State
from services.kit.wire import EdgeModel, MessageModel, Timestamp


class ShadowRequest(EdgeModel):
    """How much a shadow sees."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"share": 0.1}]})

    share: float = Field(0.1, gt=0, le=1, description="The share of the live texts that it answers too.")


class AgreementView(MessageModel):
    """How far a shadow agrees with the version that served, on texts of one language."""

    against: str = Field(description="The version that it was compared with.")
    language: str = Field(description="zh or en, and what a newer build may tell apart.")
    texts: int
    label: float = Field(ge=0, le=1, description="Share of the texts with the same label.")
    in_scope: float = Field(ge=0, le=1)
    sentiment: float = Field(ge=0, le=1)
    confidence_gap: float = Field(ge=0, description="Mean absolute difference of the confidence.")
    purchase_gap: float = Field(ge=0, description="Mean absolute difference of the purchase propensity.")


class ModelView(MessageModel):
    """One version: what is wanted of it, and how it stands."""

    version: str
    source: Literal["built_in", "setting", "published", "shipped"] | None = Field(
        description="Where its files are from; null when they are not here."
    )
    created_at: Timestamp | None
    role: Role | None = Field(description="What was asked for; null when nothing was.")
    share: float | None = Field(description="A shadow's share of the live texts.")
    asked_at: Timestamp | None
    asked_by: str | None = Field(description="The credential that asked.")
    state: State = Field(description="How it stands in the process that answers.")
    reason: str | None = Field(description="Why it is refused.")
    load_s: float | None = Field(description="How long it took to load, in seconds; null when it is not loaded.")
    processes: dict[str, int] = Field(
        description="How many processes have it in which state; a newer build may know states that this one does not."
    )
    agreement: list[AgreementView]
