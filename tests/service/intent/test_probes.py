"""Probes and scrapes."""

from services.intent.app import create_app
from services.kit.settings import SharedSettings
from tests.service.intent.conftest import MakeSettings, OpenClient, until_ready


async def test_probes_and_scrapes_have_their_own_time(
    app_client: OpenClient, make_settings: MakeSettings, shared_settings: SharedSettings
) -> None:
    hurried = shared_settings.model_copy(update={"default_deadline_ms": 1})
    async with app_client(create_app(make_settings(shared=hurried))) as client:
        del client.headers["X-Request-Deadline-Ms"]
        await until_ready(client)
        assert (await client.get("/metrics")).status_code == 200
