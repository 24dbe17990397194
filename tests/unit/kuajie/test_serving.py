"""What a wrong setting is told as: by the name of its variable, and without its value."""

from pathlib import Path

import pytest
from pydantic import ValidationError
from pydantic_settings import SettingsError

from kuajie.serving import unreadable_setting, wrong_setting
from services.intent.monitor.detectors import DetectorConfig
from services.intent.monitor.work import detection_of
from services.intent.settings import IntentSettings

GOOD = {
    "KUAJIE_INTERNAL_KEYS": "test:0123456789abcdef0123456789abcdef",
    "KUAJIE_INTENT_DATABASE_URL": "postgresql+asyncpg://kuajie:secret@127.0.0.1:5432/kuajie_intent",
}
WRONG = [
    ("KUAJIE_INTENT_DATABASE_URL", "postgres//user:hidden@host"),
    ("KUAJIE_INTENT_DATABASE_URL", "postgresql://user:hidden@host/name"),
    ("KUAJIE_INTENT_DATABASE_URL", "postgresql+asyncpg://user:hidden@host"),
    ("KUAJIE_INTENT_DATABASE_URL", "postgresql+asyncpg://user:hid/hidden@host:5432/name"),
    ("KUAJIE_REDIS_URL", "http://user:hidden@host"),
    ("KUAJIE_REDIS_URL", "redis://user:hidden@host:port/0"),
    ("KUAJIE_INTERNAL_KEYS", "hidden"),
    ("KUAJIE_INTENT_SEALING_KEYS", "hidden"),
    ("KUAJIE_INTENT_ROLES", '["hidden"]'),
    ("KUAJIE_INTENT_ROLES", "[]"),
    ("KUAJIE_INTENT_ASSIST_TEXTS", "/nowhere/hidden"),
    ("KUAJIE_INTENT_ASSIST_RANKING", "/nowhere/hidden"),
    ("KUAJIE_INTENT_MONITOR_TIMEZONE", ""),
]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_setting_is_told_by_its_name(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    environment.setenv(name, value)
    with pytest.raises(ValidationError) as refused:
        IntentSettings()
    told = wrong_setting(refused.value)
    assert told.startswith(f"{name}: ")
    assert "hidden" not in told


@pytest.mark.parametrize("name", ["KUAJIE_INTENT_ROLES", "KUAJIE_INTENT_GPU_BUCKETS"])
def test_what_should_be_json_and_is_not_is_told_by_its_name(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.setenv(name, "api")
    with pytest.raises(SettingsError) as refused:
        IntentSettings()
    assert unreadable_setting(refused.value, "intent") == f"{name}: it must be written as JSON"


def test_good_settings_are_taken(environment: pytest.MonkeyPatch) -> None:
    assert IntentSettings().roles == {"api", "worker"}


def test_the_limit_of_the_settings_is_what_surges_are_told_by(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("KUAJIE_INTENT_MONITOR_CUSUM_LIMIT", "6.4")
    assert detection_of(IntentSettings()).config == DetectorConfig(cusum_limit=6.4)
