"""A shelf with two trained versions, and an operator before it."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from services.intent.app import create_app
from services.intent.settings import IntentSettings
from services.intent.trained.package import published_folder
from services.kit.settings import SharedSettings
from tests.service.intent.conftest import Headers, MakeSettings, OpenClient, until_ready
from tests.service.intent.models.operating import operator
from tests.service.intent.packages import write_package


@pytest.fixture
def shelf(shared_settings: SharedSettings) -> Path:
    """Where the installation's packages are published: `a` always greets, `b` always says goodbye."""
    home = published_folder(shared_settings.artifacts_dir)
    write_package(home, "a", "greeting")
    write_package(home, "b", "thanks_bye", sentiment="positive")
    return home


@pytest.fixture
def settings(make_settings: MakeSettings, shelf: Path) -> IntentSettings:
    return make_settings()


@pytest.fixture
async def client(
    app_client: OpenClient, internal_headers: Headers, settings: IntentSettings
) -> AsyncIterator[httpx.AsyncClient]:
    async with app_client(create_app(settings)) as client:
        client.headers.update(operator(internal_headers))
        await until_ready(client)
        yield client
