"""What an ASGI scope and its messages hold, for whom the framework's own objects are too slow."""

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope


def header(scope: Scope, name: bytes) -> str | None:
    """The first header of that name, which is in lower case as ASGI has it."""
    for known, value in scope["headers"]:
        if known == name:
            found: str = value.decode("latin-1")
            return found
    return None


async def whole_body(receive: Receive) -> bytes:
    """All of a request's body; raises `ClientDisconnect` when the caller leaves before it has come."""
    pieces: list[bytes] = []
    while (message := await receive())["type"] == "http.request":
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(pieces)
    raise ClientDisconnect


def again(body: bytes, receive: Receive) -> Receive:
    """A body that was read, to be read once more; then what `receive` gives."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return messages.pop() if messages else await receive()

    return replayed
