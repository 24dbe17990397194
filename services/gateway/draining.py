"""The end of a process, announced: not ready first, and gone only when the load balancer has had time to notice."""

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Draining:
    """Whether the process was told to end."""

    def __init__(self) -> None:
        self.begun = False

    def reasons(self) -> list[str]:
        """Why no new traffic should come."""
        return ["draining"] if self.begun else []

    @contextmanager
    def on_sigterm(self, drain_s: float) -> Iterator[None]:
        """While the block runs, SIGTERM makes the process unready at once and reaches the server `drain_s` seconds later.

        A second SIGTERM reaches it at once. Where no signal arrives, or no server handles it, nothing changes.
        """
        server = signal.getsignal(signal.SIGTERM)
        if threading.current_thread() is not threading.main_thread() or not callable(server):
            yield
            return
        loop = asyncio.get_running_loop()

        def end(number: int, frame: FrameType | None) -> None:
            first, self.begun = not self.begun, True
            if first and drain_s > 0:
                loop.call_soon_threadsafe(loop.call_later, drain_s, server, number, None)
            else:
                server(number, frame)

        signal.signal(signal.SIGTERM, end)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, server)
