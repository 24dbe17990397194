"""Memory back to the system. A model is tens of megabytes in pieces that the allocator would keep for the next one."""

import ctypes
import gc
import sys


def give_back() -> None:
    """Collect what only cycles hold, and return free pages. Takes some hundredths of a second: call it on a thread."""
    gc.collect()
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):  # glibc has it, musl has not
        libc.malloc_trim(0)
