"""Which addresses are called: https, public, and nothing that leads elsewhere."""

import asyncio
import socket
import threading
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from services.intent.monitor.outbound import (
    Allowed,
    GuardedResolver,
    PrivateAddress,
    ThreadedNames,
    UnsafeUrl,
    check_url,
    is_public,
)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://hooks.example.com/x", "https only"),
        ("ftp://hooks.example.com/x", "https only"),
        ("//hooks.example.com/x", "https only"),
        ("https:///x", "no host"),
        ("https://hooks.example.com:0/x", "no host"),
        ("https://user:pw@hooks.example.com/x", "no user or password"),
        ("https://hooks.example.com:port/x", "not a URL"),
        ("https://[::1", "not a URL"),
        ("https://hooks..example.com/x", "not the name of a host"),
        (f"https://{'a' * 64}.example.com/x", "not the name of a host"),
        (f"https://{'a.' * 127}com/x", "not the name of a host"),
        ("https://hooks%00.example.com/x", "not the name of a host"),
        ("https://\uff11\uff12\uff17.0.0.1/x", "not the name of a host"),
        ("https://localhost/x", "not a public address"),
        ("https://db.internal/x", "not a public address"),
        ("https://127.0.0.1/x", "not a public address"),
        ("https://169.254.169.254/latest/meta-data", "not a public address"),
        ("https://[::ffff:10.0.0.1]/x", "not a public address"),
        ("https://[fe80::1%25eth0]/x", "not a public address"),
    ],
)
def test_what_is_not_called(url: str, why: str) -> None:
    with pytest.raises(UnsafeUrl, match=why):
        check_url(url, Allowed())


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com/x?a=1",
        "https://hooks_1.example.com./x",
        "https://1.1.1.1:8443/",
        "https://[2606:4700::1]/x",
    ],
)
def test_what_is_called(url: str) -> None:
    check_url(url, Allowed())


def test_a_laptop_may_call_itself_when_it_is_told_so() -> None:
    check_url("http://127.0.0.1:9000/x", Allowed(http=True, private=True))
    with pytest.raises(UnsafeUrl):
        check_url("http://127.0.0.1:9000/x", Allowed(http=True))


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.1.1", "172.16.0.1", "192.0.2.1", "192.168.1.1", "198.18.0.1",
        "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fc00::1", "fe80::1", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1",
        "64:ff9b::7f00:1", "2002:7f00:1::", "192.0.0.192", "64:ff9b:1::1", "fec0::1", "not an address",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700::1", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_that_are_public(address: str) -> None:
    assert is_public(address)


class Names(AbstractResolver):
    """A name server of the test's own."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=each, port=port, family=family, proto=0, flags=0)
            for each in self._addresses
        ]

    async def close(self) -> None:
        return None


def test_a_name_that_leads_to_a_private_address_is_not_called_even_beside_a_public_one() -> None:
    async def resolve(*addresses: str) -> list[ResolveResult]:
        return await GuardedResolver(Names(*addresses)).resolve("hooks.example.com", 443)

    assert [each["host"] for each in asyncio.run(resolve("1.1.1.1"))] == ["1.1.1.1"]
    for addresses in (("10.0.0.1",), ("1.1.1.1", "127.0.0.1")):
        with pytest.raises(PrivateAddress):
            asyncio.run(resolve(*addresses))


async def test_lookups_that_hang_keep_no_thread_from_other_work() -> None:
    answer = threading.Event()

    def hang(*_: object, **__: object) -> list[Any]:
        answer.wait()
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("203.0.113.7", 443))]

    names = ThreadedNames(hang)
    looking = [asyncio.create_task(names.resolve(f"{number}.example.com", 443)) for number in range(64)]
    await asyncio.sleep(0)  # all of them have begun, or wait for a thread
    try:
        async with asyncio.timeout(60):
            assert await asyncio.to_thread(str, "done") == "done"
    finally:
        answer.set()
    found = await asyncio.gather(*looking)
    await names.close()
    assert {each["host"] for [each] in found} == {"203.0.113.7"}
