"""Many rows into one table with one statement: as arrays when few, by COPY through a temporary table when many."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

COPY_FROM_ROWS = 2000
"""From here on the temporary table costs less than passing arrays."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column that rows bring: the type they bring it in, and how it is stored where that differs."""

    name: str
    sent_as: str
    stored_as: str | None = None

    @property
    def value(self) -> str:
        return f"sent.{self.name}::{self.stored_as}" if self.stored_as else f"sent.{self.name}"


@dataclass(frozen=True, slots=True)
class BulkInsert:
    """`INSERT INTO table AS held … SELECT … conclusion`; `conclusion` is what follows: ON CONFLICT, RETURNING.

    Rows are inserted in the order in which they are given. Give them sorted by the primary key: two transactions that lock
    the same rows then do so in the same order, and neither waits for the other in a circle.
    """

    table: str
    columns: Sequence[Column]
    conclusion: str

    async def write(
        self, connection: "asyncpg.Connection[Any]", rows: Sequence[Sequence[Any]]
    ) -> "list[asyncpg.Record]":
        """Insert `rows` in the transaction at hand; the rows that `conclusion` returns."""
        if not rows:
            return []
        if len(rows) < COPY_FROM_ROWS:
            return await connection.fetch(self._statement(self._arrays()), *zip(*rows, strict=True))
        return await self._write_staged(connection, rows)

    async def _write_staged(
        self, connection: "asyncpg.Connection[Any]", rows: Iterable[Sequence[Any]]
    ) -> "list[asyncpg.Record]":
        stage = f"staged_{self.table}"
        columns = ", ".join(f"{column.name} {column.sent_as}" for column in self.columns)
        await connection.execute(f"CREATE TEMPORARY TABLE {stage} ({columns}) ON COMMIT DROP")
        await connection.copy_records_to_table(stage, records=rows)
        written = await connection.fetch(self._statement(stage))
        await connection.execute(f"DROP TABLE {stage}")
        return written

    def _arrays(self) -> str:
        arrays = ", ".join(f"${place}::{column.sent_as}[]" for place, column in enumerate(self.columns, 1))
        return f"unnest({arrays})"

    def _statement(self, source: str) -> str:
        names = ", ".join(column.name for column in self.columns)
        values = ", ".join(column.value for column in self.columns)
        sent = f"{source} AS sent({names})"
        # The parts are this module's own constants; values travel as parameters.
        return f"INSERT INTO {self.table} AS held ({names}) SELECT {values} FROM {sent} {self.conclusion}"  # noqa: S608
