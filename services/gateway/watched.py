"""A file that an operator may replace while the service runs: the last good reading stays."""

import asyncio
from codecs import BOM_UTF8
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from prometheus_client import Counter

from services.kit.telemetry import get_logger

T = TypeVar("T")

log = get_logger(__name__)

RELOADS = Counter("kuajie_gateway_file_reloads_total", "Readings of a watched file.", ["file", "outcome"])

Stamp = tuple[int, int, int]
"""Modification time in nanoseconds, size in bytes, inode: a replaced file differs in one of them."""


class WatchedFile(Generic[T]):
    """What `parse` made of the file's bytes; None before the first good reading.

    `parse` raises ValueError for bytes that make no sense: the value before them is kept, and it is logged and counted.
    """

    def __init__(self, name: str, path: Path, parse: Callable[[bytes], T], *, poll_s: float = 1.0) -> None:
        self.value: T | None = None
        self._name = name
        self._path = path
        self._parse = parse
        self._poll_s = poll_s
        self._seen: Stamp | None = None

    async def refresh(self) -> bool:
        """Read the file again if it changed. True when a new value was taken."""
        try:
            read = await asyncio.to_thread(self._read)
        except OSError as error:
            return self._keep("unreadable", error)
        except ValueError as error:
            return self._keep("invalid", error)
        if read is None:
            return False
        self.value = read
        RELOADS.labels(self._name, "taken").inc()
        return True

    async def run(self) -> None:
        """Look at the file every `poll_s` seconds, for ever."""
        while True:
            await asyncio.sleep(self._poll_s)
            await self.refresh()

    def _read(self) -> T | None:
        status = self._path.stat()
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        if stamp == self._seen:
            return None
        content = self._path.read_bytes().removeprefix(BOM_UTF8)
        self._seen = stamp  # before parsing: a broken file is reported once, not every second
        return self._parse(content)

    def _keep(self, outcome: str, error: Exception) -> bool:
        """Say once a poll for an unreadable file, once a version for an invalid one; contents are never logged."""
        RELOADS.labels(self._name, outcome).inc()
        log.error("watched_file_not_taken", file=self._name, outcome=outcome, error=type(error).__name__)
        return False
