"""The service's tables; `tenant_id` leads every primary key. Understanding a text needs none of them."""

from services.intent.assist.tables import add_assist_tables
from services.intent.monitor.tables import add_monitor_tables
from services.kit.database import new_metadata
from services.kit.idempotency import add_idempotency_table

metadata = new_metadata()
idempotency_keys = add_idempotency_table(metadata)
monitor = add_monitor_tables(metadata)
assist = add_assist_tables(metadata)
