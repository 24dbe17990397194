"""Before a fit: every fact has arrived."""

import json

import pytest

from kuajie.failures import CommandError
from kuajie.fitting import await_consumers


def telling(*backlogs: tuple[int, int]):
    """A stack whose relay and consumer tell these backlogs, one pair an answer, the last one for ever."""
    left = list(backlogs)

    def answer(method: str, path: str, body: bytes) -> tuple[int, bytes]:
        relay, consumer = left.pop(0) if len(left) > 1 else left[0]
        return 200, json.dumps({"consumers": {"profile.relay": relay, "recommend.profile": consumer}}).encode()

    return answer


def test_a_fact_that_one_look_missed_between_relay_and_consumer_is_waited_for(stand) -> None:
    stand.answer = telling((0, 0), (0, 3), (0, 0))
    await_consumers(stand.gateway, wait=60)
    assert len(stand.asked) == 4


def test_facts_that_do_not_arrive_are_named(stand) -> None:
    stand.answer = telling((0, 2))
    with pytest.raises(CommandError, match=r"after 0 s still facts on their way: recommend\.profile 2"):
        await_consumers(stand.gateway, wait=0)
