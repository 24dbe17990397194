"""Signed webhooks as Standard Webhooks has them (https://www.standardwebhooks.com): signing, and checking what is signed. Pure.

Three headers: `webhook-id` (the same at every attempt: receivers drop repeats by it), `webhook-timestamp` (seconds since 1970) and
`webhook-signature`: for each live secret `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, with blanks between.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
PREFIX = "whsec_"
SECRET_BYTES = 32
TOLERANCE_S = 300
_SHORTEST, _LONGEST = 24, 64


class InvalidSecret(ValueError):
    """Not `whsec_` and the base64 of 24 to 64 bytes."""


class UnverifiedWebhook(Exception):
    """A message that nobody with a live secret has signed, or an old one sent again; the message says which."""


def new_secret() -> str:
    """A fresh secret of 32 random bytes."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signed_headers(live: Sequence[str], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of one attempt, signed with every live secret, so that receivers may change theirs. Raises InvalidSecret."""
    if not live or "." in message_id:
        raise ValueError("a message has an id without a dot and at least one live secret")
    signatures = [f"v1,{_signature(each, message_id, str(timestamp), body)}" for each in live]
    return {ID: message_id, TIMESTAMP: str(timestamp), SIGNATURE: " ".join(signatures)}


def verify(live: Sequence[str], headers: Mapping[str, str], body: bytes, *, now: int) -> str:
    """The id of a message that is signed with a live secret and no more than `TOLERANCE_S` old or early.

    Header names are looked up in lower case. Raises UnverifiedWebhook, InvalidSecret.
    """
    message_id, timestamp, signature = (headers.get(name, "") for name in (ID, TIMESTAMP, SIGNATURE))
    if not (message_id and timestamp and signature):
        raise UnverifiedWebhook("a header is missing")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise UnverifiedWebhook("the timestamp is not a number")
    if abs(now - int(timestamp)) > TOLERANCE_S:
        raise UnverifiedWebhook("the timestamp is too far from now")
    given = [part.partition(",")[2] for part in signature.split(" ") if part.startswith("v1,")]
    wanted = [_signature(each, message_id, timestamp, body) for each in live]
    if not any(hmac.compare_digest(one.encode(), other.encode()) for one in given for other in wanted):
        raise UnverifiedWebhook("no signature fits")
    return message_id


def _signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    content = f"{message_id}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.new(_key(secret), content, hashlib.sha256).digest()).decode()


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise InvalidSecret("a secret is whsec_ and base64") from error
    if not secret.startswith(PREFIX) or not _SHORTEST <= len(key) <= _LONGEST:
        raise InvalidSecret("a secret is whsec_ and the base64 of 24 to 64 bytes")
    return key
