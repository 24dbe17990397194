"""Twelve-factor settings: one class a service, read from the environment once, in `create_app`."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.kit.identity import Keyring

Role = Literal["api", "worker"]
LogLevel = Literal["debug", "info", "warning", "error"]


_DRIVER = "postgresql+asyncpg"


def _keys(spec: SecretStr) -> SecretStr:
    Keyring(spec.get_secret_value())
    return spec


def _redis(url: SecretStr) -> SecretStr:
    if _parts(url)[0] not in {"redis", "rediss", "unix"}:
        raise ValueError("it must be redis://, rediss:// or unix://, and its port a number")
    return url


def _database(url: SecretStr) -> SecretStr:
    scheme, path = _parts(url)
    if scheme != _DRIVER or not path.strip("/"):
        raise ValueError(
            f"it must be {_DRIVER}://user:password@host:port/name, signs in the password written as %40 and so on"
        )
    return url


def _parts(url: SecretStr) -> tuple[str, str]:
    """Scheme and path; nothing of what cannot be read, so that no part of a secret is told."""
    try:
        parts = urlsplit(url.get_secret_value())
        _ = parts.port
    except ValueError:
        return "", ""
    return parts.scheme, parts.path


InternalKeys = Annotated[SecretStr, AfterValidator(_keys)]
RedisUrl = Annotated[SecretStr, AfterValidator(_redis)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_database)]


class SharedSettings(BaseSettings):
    """What all services read alike. Variables begin with `KUAJIE_`."""

    model_config = SettingsConfigDict(env_prefix="KUAJIE_", extra="ignore", frozen=True)

    redis_url: RedisUrl = Field(
        SecretStr("redis://127.0.0.1:6379/0"), description="Redis 6.2 or later, for streams and caches."
    )
    internal_keys: InternalKeys = Field(
        description="Keys of the internal token as `kid:secret`, comma-separated. The first signs, all of them verify."
    )
    artifacts_dir: Path = Field(Path(".kuajie/artifacts"), description="Where fitted artifacts are published and read.")
    log_level: LogLevel = Field("info", description="The least severe level that is logged.")
    access_log: bool = Field(False, description="Log one line a request (no personal data); metrics are always on.")
    default_deadline_ms: int = Field(
        400, ge=1, le=600_000, description="Budget of a request that brings no `X-Request-Deadline-Ms`."
    )


def service_config(service: str) -> SettingsConfigDict:
    """The configuration of a service's own settings class: variables begin with `KUAJIE_<SERVICE>_`."""
    return SettingsConfigDict(env_prefix=f"KUAJIE_{service.upper()}_", extra="ignore", frozen=True)


class DatabaseSettings(BaseSettings):
    """What a service with a database of its own reads besides."""

    database_url: DatabaseUrl = Field(
        description="PostgreSQL 14 or later, as `postgresql+asyncpg://user:password@host:5432/name`."
    )
    database_pool_size: int = Field(10, ge=1, le=200, description="Connections that one process may hold.")
    roles: frozenset[Role] = Field(
        frozenset({"api", "worker"}),
        min_length=1,
        description='What this process does, as JSON: `["api"]`, `["worker"]` or both.',
    )
    shared: SharedSettings = Field(default_factory=SharedSettings, description="Settings common to all services.")
