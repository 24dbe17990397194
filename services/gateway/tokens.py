"""The gateway's word to the back ends about who calls: minted once, used for half of its life."""

import time
from collections.abc import Callable

from services.kit.identity import TOKEN_LIFETIME_S, Caller, Keyring


class InternalTokens:
    """Internal tokens by caller. A token is handed out for half of its lifetime, so that it never expires on the way."""

    def __init__(self, keyring: Keyring, *, size: int = 10_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._keyring = keyring
        self._size = size
        self._clock = clock
        self._minted: dict[Caller, tuple[float, str]] = {}

    def token_for(self, caller: Caller) -> str:
        """A token that says exactly what `caller` is and may do."""
        now = self._clock()
        known = self._minted.get(caller)
        if known and now - known[0] < TOKEN_LIFETIME_S / 2:
            return known[1]
        if len(self._minted) >= self._size:
            self._minted.clear()
        token = self._keyring.sign(caller)
        self._minted[caller] = (now, token)
        return token
