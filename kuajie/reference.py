"""The reference of all settings, made from the classes that read them: `python -m kuajie.reference > docs/settings.md`."""

import sys
from collections.abc import Iterator

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from services.gateway.settings import GatewaySettings
from services.insurance.settings import InsuranceSettings
from services.intent.settings import IntentSettings
from services.kit.settings import SharedSettings
from services.profile.settings import ProfileSettings
from services.recommend.settings import RecommendSettings

CLASSES: tuple[tuple[str, type[BaseSettings]], ...] = (
    ("All services", SharedSettings),
    ("gateway", GatewaySettings),
    ("profile", ProfileSettings),
    ("recommend", RecommendSettings),
    ("intent", IntentSettings),
    ("insurance", InsuranceSettings),
)

INTRODUCTION = """# Settings

Every service reads its settings from the environment, once, when it starts. A wrong value ends the start with a line that names it.
`kuajie up` sets all of them for a laptop; in production they come from a ConfigMap and Secrets (`deploy/base`).

This page is made by `python -m kuajie.reference` and a test holds it against the classes.
"""


def variables(settings: type[BaseSettings]) -> Iterator[tuple[str, FieldInfo]]:
    """The environment variables that a class reads, with their fields; nested settings classes have a section of their own."""
    prefix = settings.model_config.get("env_prefix", "")
    for name, field in settings.model_fields.items():
        if not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseSettings)):
            yield f"{prefix}{name}".upper(), field


def page() -> str:
    """The whole page as Markdown."""
    sections = [INTRODUCTION]
    for title, settings in CLASSES:
        rows = [f"| `{name}` | {_default(field)} | {field.description} |" for name, field in variables(settings)]
        sections.append(
            "\n".join([f"## {title}\n", "| variable | default | meaning |", "| --- | --- | --- |", *rows, ""])
        )
    return "\n".join(sections)


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is PydanticUndefined:
        return "required"
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, frozenset):
        value = sorted(value)
    return f"`{value}`" if value not in (None, "", [], {}) else "none"


if __name__ == "__main__":
    sys.stdout.write(page())
