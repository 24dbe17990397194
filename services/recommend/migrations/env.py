from services.kit.migration_env import run
from services.recommend.tables import metadata

run(metadata)
