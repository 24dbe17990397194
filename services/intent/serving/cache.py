"""Answers that were given before. Pure."""

from collections import OrderedDict
from hashlib import blake2b
from typing import Generic

from services.intent.model import A


class AnswerCache(Generic[A]):
    """A bounded least-recently-used map from (tenant, model version, text) to an answer; a capacity of 0 keeps none.

    Keys are digests, so that what people wrote does not stay in memory. Not for use from several threads.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._answers: OrderedDict[bytes, A] = OrderedDict()

    def __len__(self) -> int:
        return len(self._answers)

    @property
    def keeps(self) -> bool:
        """Whether it keeps any answer at all."""
        return self._capacity > 0

    def get(self, key: bytes) -> A | None:
        answer = self._answers.get(key)
        if answer is not None:
            self._answers.move_to_end(key)
        return answer

    def put(self, key: bytes, answer: A) -> None:
        self._answers[key] = answer
        self._answers.move_to_end(key)
        while len(self._answers) > self._capacity:
            self._answers.popitem(last=False)


def cache_key(tenant: str, version: str, text: str) -> bytes:
    """16 bytes; parts are length-prefixed, so that no two triples run together."""
    digest = blake2b(digest_size=16)
    for part in (tenant, version, text):
        raw = part.encode()
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.digest()
