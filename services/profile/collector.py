"""Bulk work without Python's cycle collector."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """For hundreds of thousands of rows that hold no cycle: looking for some in them took a third of an import's time.

    Where several overlap, the first to begin is the one that ends the pause.
    """
    was_running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_running:
            gc.enable()
