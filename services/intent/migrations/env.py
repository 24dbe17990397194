"""Alembic's entry point."""

from services.intent.tables import metadata
from services.kit.migration_env import run

run(metadata)
