"""Secrets that must be read again, such as those that sign webhooks: sealed with AES-256-GCM under a key from the settings."""

import base64
import binascii
import secrets
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12
_SHORTEST = 32


class Unsealable(Exception):
    """Sealed under a key that is gone, or for another place, or damaged."""


class Sealer:
    """Keys as `kid:secret`, comma-separated: the first seals, all of them open, so that keys can rotate."""

    def __init__(self, spec: str) -> None:
        pairs = [part.strip().partition(":") for part in spec.split(",") if part.strip()]
        if not pairs or any(not kid or "." in kid or len(secret) < _SHORTEST for kid, _, secret in pairs):
            raise ValueError(
                "KUAJIE_INTENT_SEALING_KEYS must be `kid:secret[,kid:secret]` with secrets of 32 characters or more"
            )
        self._keys = {kid: AESGCM(_derived(secret)) for kid, _, secret in pairs}
        self._sealing_kid = pairs[0][0]

    def seal(self, text: str, *, place: Sequence[str]) -> str:
        """`kid.base64`; opens only for the same place, such as a tenant and the id of a row."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._keys[self._sealing_kid].encrypt(nonce, text.encode(), _bound(place))
        return f"{self._sealing_kid}.{base64.b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, *, place: Sequence[str]) -> str:
        """What was sealed; raises Unsealable."""
        kid, _, rest = sealed.partition(".")
        try:
            raw = base64.b64decode(rest, validate=True)
            return self._keys[kid].decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _bound(place)).decode()
        except (KeyError, InvalidTag, binascii.Error, ValueError) as error:
            raise Unsealable(type(error).__name__) from error


def _derived(secret: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"kuajie sealing 1").derive(secret.encode())


def _bound(place: Sequence[str]) -> bytes:
    return "\0".join(place).encode()
