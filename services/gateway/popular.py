"""The last list of what is popular with everybody: what content falls back to when nobody can be asked."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from services.gateway.lastgood import LastGood, Remembered
from services.kit.http import BackendError
from services.kit.telemetry import get_logger
from services.kit.wire import Locale
from services.recommend.schemas import ListedItem

log = get_logger(__name__)

Fetch = Callable[[str, Locale], Awaitable[Sequence[ListedItem]]]
"""Reads the popular list of a tenant in a language."""

DAY_S = 86_400.0
RETRY_S = 5.0


class PopularLists:
    """One list a tenant and language, read again in the background by the first call after `refresh_s` seconds."""

    def __init__(
        self, fetch: Fetch, *, refresh_s: float, tenants: int = 1000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch = fetch
        self._refresh_s = refresh_s
        self._clock = clock
        self._lists: LastGood[Sequence[ListedItem]] = LastGood(entries=tenants * 2, max_age_s=DAY_S, clock=clock)
        self._due: dict[tuple[str, Locale], float] = {}
        self._reading: set[asyncio.Task[None]] = set()

    def latest(self, tenant_id: str, locale: Locale) -> Remembered[Sequence[ListedItem]] | None:
        """The last list, at most a day old, and its age."""
        return self._lists.recall((tenant_id, locale))

    def keep_fresh(self, tenant_id: str, locale: Locale) -> None:
        """Start to read the list if that is due; nobody waits for it."""
        now = self._clock()
        if now < self._due.get((tenant_id, locale), 0.0):
            return
        self._due[tenant_id, locale] = now + self._refresh_s
        task = asyncio.create_task(self._read(tenant_id, locale))
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    async def close(self) -> None:
        """End the readings under way."""
        for task in self._reading:
            task.cancel()
        await asyncio.gather(*self._reading, return_exceptions=True)

    async def _read(self, tenant_id: str, locale: Locale) -> None:
        try:
            items = await self._fetch(tenant_id, locale)
        except BackendError as error:
            self._due[tenant_id, locale] = self._clock() + min(RETRY_S, self._refresh_s)
            log.warning("popular_list_not_read", backend=error.backend, reason=error.reason)
            return
        self._lists.remember((tenant_id, locale), items)
