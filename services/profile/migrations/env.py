"""Alembic's entry point."""

from services.kit.migration_env import run
from services.profile.tables import metadata

run(metadata)
