"""The catalogues of all tenants, kept up to date in memory, so that a request loads no rows of items."""

import asyncio
import time
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from services.kit.database import Database
from services.kit.errors import Unavailable
from services.kit.telemetry import get_logger
from services.recommend.catalogue import EMPTY, Catalogue, CatalogueItem, arrange, next_publication
from services.recommend.changes import Changes
from services.recommend.tables import item_counts, items

log = get_logger(__name__)

_SMALL = 500
"""Catalogues up to this size are arranged on the event loop: it takes less than a thread's hand-over is worth."""

_ITEMS = sa.select(
    items.c.tenant_id,
    items.c.item_id,
    items.c.title,
    items.c.categories,
    items.c.status,
    sa.func.coalesce(items.c.published_at, items.c.created_at).label("since"),
)
_HEATS = sa.select(item_counts.c.tenant_id, item_counts.c.item_id, item_counts.c.heat)


class _Shelf:
    """One tenant's rows as last read, and the catalogue arranged from them."""

    def __init__(self) -> None:
        self.items: dict[str, CatalogueItem] = {}
        self.heats: dict[str, float] = {}
        self.catalogue = EMPTY
        self.next_publication = float("inf")

    async def arrange(self) -> None:
        now = time.time()
        held = dict(self.items), dict(self.heats), now
        small = len(self.items) <= _SMALL
        self.catalogue = arrange(*held) if small else await asyncio.to_thread(arrange, *held)
        self.next_publication = next_publication(self.items, now)


class Catalogues:
    """`get` answers from memory at once; `refresh` takes in what changed; `run` does so until cancelled."""

    def __init__(self, db: Database, *, every_s: float, heat_every_s: float) -> None:
        self._db = db
        self._every_s = every_s
        self._heat_every_s = heat_every_s
        self._shelves: dict[str, _Shelf] = {}
        self._items = Changes(_ITEMS, items.c.changed_in)
        self._heats = Changes(_HEATS, item_counts.c.changed_in)
        self._heats_read_at = float("-inf")
        self._one_at_a_time = asyncio.Lock()

    def get(self, tenant_id: str) -> Catalogue:
        shelf = self._shelves.get(tenant_id)
        return shelf.catalogue if shelf else EMPTY

    @property
    def filled(self) -> bool:
        """Whether everything was read once."""
        return self._heats_read_at > float("-inf")

    async def refresh(self, *, heats: bool = True) -> None:
        """Take in changed items and, with `heats`, changed popularity. Raises Unavailable."""
        async with self._one_at_a_time:
            touched = await self._read(heats=heats)
            due = (tenant for tenant, shelf in self._shelves.items() if shelf.next_publication <= time.time())
            for tenant in {*touched, *due}:
                await self._shelves[tenant].arrange()

    async def _read(self, *, heats: bool) -> set[str]:
        async with self._db.connect() as connection:
            item_rows, items_mark = await self._items.read(connection)
            heat_rows, heats_mark = await self._heats.read(connection) if heats else ([], None)
        touched = self._take_items(item_rows)
        self._items.advance(items_mark)
        if heats_mark is not None:
            touched |= self._take_heats(heat_rows)
            self._heats.advance(heats_mark)
            self._heats_read_at = time.monotonic()
        return touched

    def _shelf(self, tenant_id: str) -> _Shelf:
        return self._shelves.setdefault(tenant_id, _Shelf())

    def _take_items(self, rows: Iterable[Any]) -> set[str]:
        touched = set()
        for row in rows:
            item = CatalogueItem(
                row["item_id"],
                row["title"],
                tuple(row["categories"]),
                row["status"] == "active",
                row["since"].timestamp(),
            )
            shelf = self._shelf(row["tenant_id"])
            if shelf.items.get(item.item_id) != item:
                shelf.items[item.item_id] = item
                touched.add(row["tenant_id"])
        return touched

    def _take_heats(self, rows: Iterable[Any]) -> set[str]:
        touched = set()
        for row in rows:
            shelf = self._shelf(row["tenant_id"])
            if shelf.heats.get(row["item_id"]) != row["heat"]:
                shelf.heats[row["item_id"]] = row["heat"]
                touched.add(row["tenant_id"])
        return touched

    async def run(self) -> None:
        """Look at items each time, at popularity when it is due, until cancelled; a lost database is waited for."""
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self.refresh(heats=time.monotonic() - self._heats_read_at >= self._heat_every_s)
            except Unavailable:
                log.warning("catalogue_not_refreshed", reason="database unreachable")
