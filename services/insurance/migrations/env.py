"""Alembic's entry point."""

from services.insurance.tables import metadata
from services.kit.migration_env import run

run(metadata)
