"""Settings of the gateway. Variables begin with `KUAJIE_GATEWAY_`."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings

from services.gateway.schemas import SectionName
from services.kit.settings import SharedSettings, service_config

PERSON_SCOPES = frozenset(
    {
        "events:write",
        "profile:read",
        "profile:write",
        "consents:read",
        "consents:write",
        "items:read",
        "recommend:read",
        "understand",
        "assist:read",
        "assist:write",
        "offers:read",
        "products:read",
        "suitability:read",
        "suitability:write",
    }
)


class GatewaySettings(BaseSettings):
    """Where the back ends are, who may call, and how long anything may take."""

    model_config = service_config("gateway")

    profile_url: str = Field("http://127.0.0.1:8001", description="Where profile answers.")
    recommend_url: str = Field("http://127.0.0.1:8002", description="Where recommend answers.")
    intent_url: str = Field("http://127.0.0.1:8003", description="Where intent answers.")
    insurance_url: str = Field("http://127.0.0.1:8004", description="Where insurance answers.")

    keys_file: Path = Field(description="Keys of servers, as JSON; read again when it changes.")
    jwks_file: Path | None = Field(
        None,
        description="Public keys of people's tokens, as JWKS; read again when it changes. None: no tokens of people.",
    )
    jwt_issuer: str | None = Field(
        None, description="The `iss` that people's tokens must have. Needed with a JWKS file."
    )
    jwt_audience: str = Field("kuajie", description="The `aud` that people's tokens must have.")
    jwt_tenant_claim: str = Field("tenant_id", description="The claim of people's tokens that names the tenant.")
    person_scopes: frozenset[str] = Field(
        PERSON_SCOPES,
        description="The most that a person's token may allow, as a JSON list; its `scope` claim narrows it.",
    )

    max_deadline_ms: int = Field(
        2000, ge=50, description="The longest deadline that a caller of the composed call gets."
    )
    first_stage_ms: int = Field(150, ge=1, description="What profile and intent may spend of the default deadline.")
    answer_margin_ms: int = Field(10, ge=0, description="Kept back from the deadline to put the answer together.")
    required_sections: frozenset[SectionName] = Field(
        frozenset(), description="Sections without which the composed call is 503, as a JSON list."
    )
    max_in_flight: int = Field(128, ge=1, description="Calls to one back end at a time; what comes on top is shed.")
    breaker_failures: int = Field(
        10,
        ge=1,
        le=20,
        description="The fewest of the last 20 calls, half of them failed, after which a back end is left alone.",
    )
    breaker_pause_ms: int = Field(
        1000,
        ge=10,
        description="How long it is left alone before one call tries it again; at most twice as long later.",
    )
    retry_share: float = Field(0.1, ge=0, le=1, description="Retries allowed for each call that was made.")

    stale_entries: int = Field(10_000, ge=0, description="Last good answers that are kept, over all sections.")
    stale_max_age_s: float = Field(300.0, ge=0, description="The oldest answer that a section may repeat.")
    stale_consents_max_age_s: float = Field(
        60.0, ge=0, description="The oldest profile whose consents still count for offers and campaigns."
    )
    popular_refresh_s: float = Field(60.0, gt=0, description="How often the popular list of a tenant is read again.")

    max_body_bytes: int = Field(1 << 20, ge=1024, description="The largest body of an ordinary request.")
    max_import_bytes: int = Field(64 << 20, ge=1024, description="The largest body of an import.")
    max_json_depth: int = Field(32, ge=4, description="The deepest nesting of a JSON body.")
    cors_origins: frozenset[str] = Field(
        frozenset(), description='Origins of web pages that may call, as a JSON list; `["*"]` for any. None by default.'
    )
    drain_s: float = Field(
        0.0, ge=0, le=300, description="How long it still serves, while not ready, after it was told to end (SIGTERM)."
    )
    shared: SharedSettings = Field(default_factory=SharedSettings, description="Settings common to all services.")

    @model_validator(mode="after")
    def tokens_have_an_issuer(self) -> Self:
        """Keys alone do not say whose tokens they are."""
        if self.jwks_file is not None and not self.jwt_issuer:
            raise ValueError("KUAJIE_GATEWAY_JWT_ISSUER is needed with KUAJIE_GATEWAY_JWKS_FILE")
        return self
