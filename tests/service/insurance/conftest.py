"""The insurance application over real stores, and people as the gateway describes them."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from services.insurance.app import create_app
from services.insurance.settings import InsuranceSettings
from services.insurance.tables import product_versions
from services.kit.database import Database
from services.kit.settings import SharedSettings

SCOPES = ("offers:read", "products:read", "products:write", "suitability:write", "suitability:read")

ANSWERS: dict[str, Any] = {
    "needs": ["serious_illness", "accident"],
    "existing_cover": ["social_medical"],
    "income_band": "upper_middle",
    "yearly_budget": "3000_10000",
    "debt_share": "under_20",
    "emergency_fund": "over_6",
    "risk_tolerance": "balanced",
    "loss_reaction": "hold",
    "horizon": "5_10",
    "dependants": 1,
    "understands_risks": True,
    "age_band": "18_64",
}


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 6, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, days: int) -> None:
        self.moment += timedelta(days=days)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def settings(make_database: Callable[[str], str], shared_settings: SharedSettings) -> InsuranceSettings:
    """Without the worker: it would clear away facts that are old by the real clock."""
    return InsuranceSettings(database_url=make_database("insurance"), shared=shared_settings, roles=frozenset({"api"}))


@pytest.fixture
async def client(
    settings: InsuranceSettings, clock: Clock, app_client: Any, internal_headers: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """A client with every scope of this service, of the tenant `default`."""
    async with app_client(create_app(settings, clock=clock)) as opened:
        opened.headers.update(internal_headers(*SCOPES))
        yield opened


@pytest.fixture
def record(client: httpx.AsyncClient) -> Callable[..., Any]:
    """`await record("u1", horizon="under_1")`: answers recorded for a person."""

    async def post(user_id: str, **changes: Any) -> dict[str, Any]:
        answers = {name: value for name, value in {**ANSWERS, **changes}.items() if value is not None}
        response = await client.post("/v1/suitability", json={"user_id": user_id, "answers": answers, "locale": "en"})
        assert response.status_code == 201, response.text
        answer: dict[str, Any] = response.json()
        return answer

    return post


@pytest.fixture
def ask(client: httpx.AsyncClient) -> Callable[..., Any]:
    """`await ask("u1", topics=["accident"])`: offers for a consenting engineer of 34 in Shanghai, facts changed at will."""

    async def post(
        user_id: str,
        *,
        facts: dict[str, Any] | None = None,
        consents: dict[str, bool] | None = None,
        topics: list[str] | None = None,
        label: str = "insurance.buy",
        traits: dict[str, Any] | None = None,
        **body: Any,
    ) -> dict[str, Any]:
        declared = {
            "birth_date": "1992-05-17",
            "region": "CN-SH",
            "gender": "female",
            "occupation": "engineer",
            "dependants": 1,
            **(facts or {}),
        }
        person = {
            "facts": declared,
            "consents": consents if consents is not None else {"finance": True, "health": True},
            "consent_version": 1,
            "traits": traits or {},
        }
        intent = {"label": label, "confidence": 0.9, "topics": topics} if topics else None
        body = {"user_id": user_id, "person": person, "intent": intent, "locale": "en", "limit": 20, **body}
        response = await client.post("/v1/offers", json=body)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    return post


@pytest.fixture
def make_unlike(settings: InsuranceSettings) -> Callable[[str], Any]:
    """`await make_unlike("travel-trip")`: as if the database had been loaded from another file of the same version."""

    async def change(product_id: str) -> None:
        db = Database.open(settings.database_url.get_secret_value())
        async with db.begin() as connection:
            await connection.execute(
                update(product_versions).where(product_versions.c.product_id == product_id).values(checksum="0" * 64)
            )
        await db.close()

    return change


@pytest.fixture
def answers() -> dict[str, Any]:
    """Sound answers to every question."""
    return dict(ANSWERS)
