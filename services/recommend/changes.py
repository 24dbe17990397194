"""Rows that changed since the last look, for what is kept in memory."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.recommend.tables import TransactionId

_OLDEST_RUNNING = sa.text("SELECT CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text)")


class Changes:
    """A look at one table's changes; every row is seen at least once after each of its changes."""

    def __init__(self, query: sa.Select[tuple[object, ...]], changed_in: sa.Column[str]) -> None:
        self._query = query
        self._changed_in = changed_in
        self._since = "0"

    async def read(self, connection: AsyncConnection) -> tuple[list[sa.RowMapping], str]:
        """The changed rows, and the mark to `advance` to once they are taken in."""
        # The mark is taken first: a transaction that ends between the two statements is then seen twice, not never.
        mark = str(await connection.scalar(_OLDEST_RUNNING))
        since = sa.cast(sa.literal(self._since, sa.Text), TransactionId)
        rows = await connection.execute(self._query.where(self._changed_in >= since))
        return list(rows.mappings()), mark

    def advance(self, mark: str) -> None:
        self._since = mark
