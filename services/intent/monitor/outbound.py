"""Calls to addresses that callers chose: https to public addresses only, no redirects, little time, little of the answer.

The address is checked where the connection is made (the resolver), so that a name cannot be public when it is looked at and private
when it is called.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

TOTAL_S, CONNECT_S = 10.0, 5.0
READ_BYTES = 64 * 1024
LOOKUPS = 8
"""Names that are looked up at a time."""
LONGEST_NAME = 253
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_LABEL = re.compile(r"[A-Za-z0-9_-]{1,63}")

# From IANA's registries of special-purpose addresses: what Python 3.11 takes for global.
_SPECIAL = tuple(
    ipaddress.ip_network(each) for each in ("192.0.0.0/24", "64:ff9b:1::/48", "3fff::/20", "5f00::/16", "fec0::/10")
)


class UnsafeUrl(ValueError):
    """An address that must not be called; the message says why."""


class PrivateAddress(OSError):
    """The name leads to an address that is not public."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a laptop and tests may do and an installation should not."""

    http: bool = False
    private: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The status, or why there is none."""

    status: int | None
    error: str | None

    @property
    def ok(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def check_url(url: str, allowed: Allowed) -> None:
    """Raises UnsafeUrl for what is wrong by itself; names are looked up only when they are called."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UnsafeUrl("not a URL") from error
    if parts.scheme != "https" and not (allowed.http and parts.scheme == "http"):
        raise UnsafeUrl("https only")
    if not host or port == 0:
        raise UnsafeUrl("no host")
    if parts.username is not None or parts.password is not None:
        raise UnsafeUrl("no user or password in a URL")
    if not _is_host(host):
        raise UnsafeUrl("not the name of a host")
    if not allowed.private and (host == "localhost" or host.endswith((".localhost", ".internal", ".local"))):
        raise UnsafeUrl("not a public address")
    if not allowed.private and _literal(host) is not None and not is_public(host):
        raise UnsafeUrl("not a public address")


def is_public(address: str) -> bool:
    """Whether an IP address is of the public internet, also behind the forms that carry an IPv4 address in IPv6."""
    found = _literal(address)
    if found is None:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            found = inner
    special = any(found in each for each in _SPECIAL)
    return found.is_global and not found.is_multicast and not found.is_reserved and not special


def _is_host(host: str) -> bool:
    """An address, or a name that resolvers take: they raise at other ones, and see addresses in wide digits."""
    labels = host.removesuffix(".").split(".")
    return ":" in host or (len(host) <= LONGEST_NAME and all(_LABEL.fullmatch(each) for each in labels))


def _literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


class ThreadedNames(AbstractResolver):
    """Looks names up on threads of its own: where name servers hang, whatever else needs a thread would wait with the lookups."""

    def __init__(self, lookup: Callable[..., list[Any]] = socket.getaddrinfo) -> None:
        self._lookup = lookup
        self._threads = ThreadPoolExecutor(LOOKUPS, "names")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        look = partial(self._lookup, host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, look)
        flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return [
            ResolveResult(hostname=host, host=address[0], port=address[1], family=kind, proto=protocol, flags=flags)
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class GuardedResolver(AbstractResolver):
    """A name that leads to any address that is not public is not called at all."""

    def __init__(self, inner: AbstractResolver) -> None:
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        if not all(is_public(each["host"]) for each in found):
            raise PrivateAddress("not a public address")
        return found

    async def close(self) -> None:
        await self._inner.close()


class Outbound:
    """Posts to callers' addresses. One session a process: see `open_outbound`."""

    def __init__(self, session: aiohttp.ClientSession, allowed: Allowed) -> None:
        self._session = session
        self._allowed = allowed

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """One attempt. A redirect is an answer like any other that is not 2xx; of the body 64 KiB are read, and none is kept."""
        try:
            check_url(url, self._allowed)
            async with self._session.post(url, data=body, headers=dict(headers), allow_redirects=False) as response:
                await response.content.read(READ_BYTES)
                return Answer(response.status, None)
        except UnsafeUrl as error:
            return Answer(None, str(error))
        except TimeoutError:
            return Answer(None, "timeout")
        except aiohttp.ClientConnectorError as error:
            private = isinstance(error.os_error, PrivateAddress)
            return Answer(None, "not a public address" if private else type(error).__name__)
        except (aiohttp.ClientError, OSError) as error:
            return Answer(None, type(error).__name__)


@asynccontextmanager
async def open_outbound(allowed: Allowed, *, total_s: float = TOTAL_S) -> AsyncIterator[Outbound]:
    """The process's own session for such calls; proxies of the environment are not used."""
    names = ThreadedNames()
    connector = aiohttp.TCPConnector(
        # As many as there may be senders, also to one host: what waits for a connection would fail by time, and never have been sent.
        limit=50,
        limit_per_host=0,
        resolver=names if allowed.private else GuardedResolver(names),
        use_dns_cache=False,
    )
    session = aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=total_s, connect=min(total_s, CONNECT_S)),
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )
    try:
        yield Outbound(session, allowed)
    finally:
        await session.close()
        await names.close()
