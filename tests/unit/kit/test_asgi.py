"""Headers and bodies straight from ASGI."""

from collections.abc import Sequence

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from services.kit.asgi import header, whole_body


def receiving(*messages: Message) -> Receive:
    left = list(messages)

    async def receive() -> Message:
        return left.pop(0)

    return receive


def piece(body: bytes, *, more: bool) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ([(b"host", b"a"), (b"x-id", b"1"), (b"x-id", b"2")], "1"),
        ([(b"x-id", b"\xe9")], "é"),
        ([(b"x-id-2", b"1")], None),
        ([], None),
    ],
)
def test_a_header_is_the_first_of_its_name(headers: Sequence[tuple[bytes, bytes]], found: str | None) -> None:
    assert header({"headers": headers}, b"x-id") == found


async def test_a_body_is_all_of_its_pieces() -> None:
    receive = receiving(piece(b"a", more=True), {"type": "http.request", "more_body": True}, piece(b"b", more=False))
    assert await whole_body(receive) == b"ab"


async def test_who_leaves_in_the_middle_of_a_body_is_no_short_body() -> None:
    with pytest.raises(ClientDisconnect):
        await whole_body(receiving(piece(b"a", more=True), {"type": "http.disconnect"}))
