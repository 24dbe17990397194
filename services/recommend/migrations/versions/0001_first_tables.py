"""The first tables: items and their counts, interactions, campaigns, verdicts, and what the stream needs.

Revision ID: 0001
"""

from alembic import op

revision = "0001"
down_revision = None

TABLES = {
    "items": """
      tenant_id text NOT NULL,
      item_id text NOT NULL,
      title jsonb NOT NULL,
      categories text[] NOT NULL,
      price_amount numeric,
      price_currency text,
      language text,
      description jsonb,
      status text NOT NULL,
      published_at timestamptz,
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now(),
      changed_in xid8 NOT NULL DEFAULT pg_current_xact_id(),
      CONSTRAINT pk_items PRIMARY KEY (tenant_id, item_id)""",
    "item_counts": """
      tenant_id text NOT NULL,
      item_id text NOT NULL,
      views bigint NOT NULL DEFAULT 0,
      purchases bigint NOT NULL DEFAULT 0,
      completions bigint NOT NULL DEFAULT 0,
      refunds bigint NOT NULL DEFAULT 0,
      ratings bigint NOT NULL DEFAULT 0,
      rating_total double precision NOT NULL DEFAULT 0,
      heat double precision NOT NULL DEFAULT 0,
      changed_in xid8 NOT NULL DEFAULT pg_current_xact_id(),
      CONSTRAINT pk_item_counts PRIMARY KEY (tenant_id, item_id)""",
    "interactions": """
      tenant_id text NOT NULL,
      event_id text NOT NULL,
      user_id text NOT NULL,
      item_id text NOT NULL,
      type text NOT NULL,
      value double precision,
      occurred_at timestamptz NOT NULL,
      CONSTRAINT pk_interactions PRIMARY KEY (tenant_id, event_id)""",
    "campaigns": """
      tenant_id text NOT NULL,
      campaign_id text NOT NULL,
      definition jsonb NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      updated_at timestamptz NOT NULL DEFAULT now(),
      changed_in xid8 NOT NULL DEFAULT pg_current_xact_id(),
      CONSTRAINT pk_campaigns PRIMARY KEY (tenant_id, campaign_id)""",
    "verdicts": """
      tenant_id text NOT NULL,
      user_id text NOT NULL,
      suitable_for text NOT NULL,
      outcome text NOT NULL,
      recorded_at timestamptz NOT NULL,
      expires_at timestamptz NOT NULL,
      CONSTRAINT pk_verdicts PRIMARY KEY (tenant_id, user_id, suitable_for)""",
    "outbox": """
      tenant_id text NOT NULL,
      id text NOT NULL,
      position bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
      sequence bigint,
      type text NOT NULL,
      schema_version integer NOT NULL,
      subject text NOT NULL,
      occurred_at timestamptz NOT NULL,
      received_at timestamptz NOT NULL,
      traceparent text,
      data jsonb NOT NULL,
      CONSTRAINT pk_outbox PRIMARY KEY (tenant_id, id)""",
    "stream_positions": """
      source text NOT NULL,
      consumer text NOT NULL,
      sequence bigint NOT NULL,
      updated_at timestamptz NOT NULL DEFAULT now(),
      CONSTRAINT pk_stream_positions PRIMARY KEY (source, consumer)""",
}

INDEXES = (
    "INDEX ix_items_changed_in ON items (changed_in)",
    "INDEX ix_item_counts_changed_in ON item_counts (changed_in)",
    "INDEX ix_campaigns_changed_in ON campaigns (changed_in)",
    "INDEX ix_interactions_person ON interactions (tenant_id, user_id, occurred_at DESC)",
    "INDEX ix_outbox_unstamped ON outbox (position) WHERE sequence IS NULL",
    "UNIQUE INDEX ix_outbox_sequence ON outbox (sequence) WHERE sequence IS NOT NULL",
)


def upgrade() -> None:
    for name, columns in TABLES.items():
        op.execute(f"CREATE TABLE {name} ({columns})")
    for index in INDEXES:
        op.execute(f"CREATE {index}")


def downgrade() -> None:
    for name in reversed(TABLES):
        op.drop_table(name)
