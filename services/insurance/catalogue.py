"""Live products by tenant, compiled and held in memory, so that a request needs no query for them."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from prometheus_client import Gauge
from sqlalchemy.exc import ProgrammingError

from services.insurance import product_store as store
from services.insurance.definition import checksum
from services.insurance.definition_files import DefinitionFile, InvalidDefinition, parse_definition
from services.insurance.product import Product, prepare
from services.insurance.seeding import plan
from services.kit.database import Database
from services.kit.errors import Unavailable
from services.kit.telemetry import get_logger

log = get_logger(__name__)

UNREADABLE = Gauge(
    "kuajie_insurance_unreadable_products", "Live versions that this build cannot read, and does not offer."
)


@dataclass(frozen=True, slots=True)
class Shelf:
    """The live products of one tenant, in the order of their ids."""

    products: tuple[Product, ...]

    def find(self, product_id: str) -> Product | None:
        return next((product for product in self.products if product.product_id == product_id), None)

    def state(self) -> frozenset[tuple[str, str]]:
        """(product, checksum) of everything live: what tells whether the shelf is still right."""
        return frozenset((product.product_id, product.checksum) for product in self.products)


class Catalogue:
    """Shelves by tenant. A tenant's first request loads its shelf and brings the shipped definitions into its database."""

    def __init__(self, db: Database, files: Sequence[DefinitionFile]) -> None:
        self._db = db
        self._files = files
        self._shelves: dict[str, Shelf] = {}
        self._prepared = {file.checksum: prepare(file.definition, file.document, file.checksum) for file in files}
        self._loading: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._changed: set[str] = set()

    def faults(self) -> list[str]:
        """Shipped files that say something else than the version a tenant has: a change needs a new version."""
        return [f"product file changed without a new version: {name}" for name in sorted(self._changed)]

    async def shelf(self, tenant_id: str) -> Shelf:
        """The tenant's live products; from memory but for the first time."""
        held = self._shelves.get(tenant_id)
        if held is not None:
            return held
        async with self._loading[tenant_id]:
            if tenant_id not in self._shelves:
                await self._seed(tenant_id)
                await self.reload(tenant_id)
        return self._shelves[tenant_id]

    async def reload(self, tenant_id: str) -> None:
        """Read the tenant's live versions again."""
        async with self._db.connect() as connection:
            rows = await store.live_versions(connection, tenant_id)
        products = await asyncio.to_thread(lambda: [self._product(row) for row in rows])
        self._shelves[tenant_id] = Shelf(tuple(product for product in products if product is not None))
        UNREADABLE.set(products.count(None))

    async def version(self, tenant_id: str, product_id: str, version: int | None) -> Product | None:
        """One version, live or not; the live one when none is named."""
        shelf = await self.shelf(tenant_id)
        live = shelf.find(product_id)
        if version is None or (live is not None and live.definition.version == version):
            return live
        async with self._db.connect() as connection:
            row = await store.find_version(connection, tenant_id, product_id, version)
        return None if row is None else await asyncio.to_thread(self._product, row)

    async def run(self, every_s: float) -> None:
        """Load the shelves of known tenants, then look for changes made elsewhere, until cancelled.

        A database that is lost, or not migrated yet, is waited for.
        """
        warm = False
        while True:
            try:
                await (self.refresh() if warm else self.warm())
                warm = True
            except (Unavailable, ProgrammingError) as error:
                log.warning("catalogue_waits", error=type(error).__name__)
            await asyncio.sleep(every_s)

    async def warm(self) -> None:
        """Load the shelf of every tenant that was served before."""
        async with self._db.connect() as connection:
            tenants = await store.tenants_with_products(connection)
        for tenant_id in tenants:
            await self.shelf(tenant_id)

    async def refresh(self) -> None:
        """Reload the shelves that are no longer right."""
        tenants = list(self._shelves)
        if not tenants:
            return
        async with self._db.connect() as connection:
            rows = await store.live_checksums(connection, tenants)
        found: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
        for row in rows:
            found[row.tenant_id].add((row.product_id, row.checksum))
        for tenant_id in tenants:
            if found[tenant_id] != self._shelves[tenant_id].state():
                await self.reload(tenant_id)

    async def _seed(self, tenant_id: str) -> None:
        moment = datetime.now(UTC)
        async with self._db.begin() as connection:
            await store.lock_products(connection, tenant_id)
            rows = await store.all_versions(connection, tenant_id)
            wanted = plan(self._files, {(row.product_id, row.version): row.checksum for row in rows})
            for file, status in wanted.inserts:
                if status == "live":
                    await store.retire(connection, tenant_id, file.definition.product_id, None, moment)
                await store.insert_version(connection, _row(tenant_id, file, status, moment))
        for product_id, version in wanted.changed:
            self._changed.add(f"{product_id}.v{version}")
            log.error("product_file_changed", product=product_id, version=version)

    def _product(self, row: store.VersionRow) -> Product | None:
        known = self._prepared.get(row.checksum)
        if known is not None:
            return known
        try:
            definition = parse_definition(row.definition, f"{row.product_id}.v{row.version}")
        except InvalidDefinition as error:
            log.error("product_unreadable", product=row.product_id, version=row.version, error=str(error))
            return None
        return self._prepared.setdefault(row.checksum, prepare(definition, row.definition, row.checksum))


def _row(tenant_id: str, file: DefinitionFile, status: str, moment: datetime) -> dict[str, object]:
    return {
        "tenant_id": tenant_id,
        "product_id": file.definition.product_id,
        "version": file.definition.version,
        "status": status,
        "checksum": checksum(file.document),
        "definition": file.document,
        "created_at": moment,
        "live_at": moment if status == "live" else None,
        "retired_at": moment if status == "retired" else None,
    }
