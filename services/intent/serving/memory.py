"""Memory back to the system: a model is tens of megabytes that the allocator would keep, in pieces, for the next one.

glibc only (mallopt(3), malloc_trim(3)); elsewhere nothing is done. `python -m bench.model_cycles` measures it.
"""

import ctypes
import gc
import sys

_M_MMAP_THRESHOLD = -3
LARGE_BYTES = 1 << 20


def keep_large_pieces_apart() -> None:
    """Have pieces from a MiB on mapped by themselves, so that they go when they are freed.

    glibc would raise that threshold to the size of the first such piece that is freed, and put later ones among small ones that stay.
    """
    if (libc := _glibc()) is not None:
        libc.mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)


def give_back() -> None:
    """Collect what only cycles hold, and return free pages. Takes some hundredths of a second: call it on a thread."""
    gc.collect()
    if (libc := _glibc()) is not None:
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    return libc if libc is not None and hasattr(libc, "malloc_trim") else None
