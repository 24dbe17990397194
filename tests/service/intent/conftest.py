"""The intent application's settings over real stores."""

from collections.abc import Callable
from typing import Any

import pytest

from services.intent.settings import IntentSettings
from services.kit.settings import SharedSettings

MakeSettings = Callable[..., IntentSettings]


@pytest.fixture
def make_settings(make_database: Callable[[str], str], shared_settings: SharedSettings) -> MakeSettings:
    """`make_settings(queue_texts=64)`: the keyword model over an empty database, unless told otherwise."""
    stored = {"database_url": make_database("intent"), "shared": shared_settings}

    def make(**changes: Any) -> IntentSettings:
        return IntentSettings(**{"model": "keyword", **stored, **changes})

    return make
