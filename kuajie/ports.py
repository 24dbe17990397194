"""Which TCP ports of this machine are free, and who answers at others."""

import random
import socket
from collections.abc import Collection
from pathlib import Path
from urllib.parse import urlsplit

LOOPBACK = "127.0.0.1"
LOWEST = 10_000
DYNAMIC_FROM = 32_768  # Linux; RFC 6335 begins at 49152.
RANGE_FILE = Path("/proc/sys/net/ipv4/ip_local_port_range")
ATTEMPTS = 1_000


def free_ports(count: int = 1, *, avoid: Collection[int] = ()) -> int:
    """The first of `count` free neighbours, below the ports that the kernel gives to outgoing connections.

    A port of those may be free now and some client's end of a connection, for as long as it lives, when our server binds it.
    `avoid` are ports that somebody is about to bind. OSError where none are found.
    """
    ceiling = _dynamic_from() - count
    for _ in range(ATTEMPTS):
        first = random.randint(LOWEST, ceiling)
        if all(port not in avoid and port_is_free(port) for port in range(first, first + count)):
            return first
    raise OSError(f"no {count} free ports in a row between {LOWEST} and {ceiling}")


def _dynamic_from() -> int:
    """The first port of outgoing connections; Linux's own where this machine does not tell, or leaves too little below it."""
    try:
        first = int(RANGE_FILE.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return DYNAMIC_FROM
    return first if first > 2 * LOWEST else DYNAMIC_FROM


def port_is_free(port: int, host: str = LOOPBACK) -> bool:
    with socket.socket() as probe:
        # As servers do: connections of a server that has just ended must not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def answers(url: str) -> bool:
    """Whether something listens at a URL's host and port (6379 where it names none), within a second."""
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or LOOPBACK, parts.port or 6379), timeout=1).close()
    except OSError:
        return False
    return True
