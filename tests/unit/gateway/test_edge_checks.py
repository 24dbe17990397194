"""Small checks at the edge: memory, depth, ownership, retries, files that change."""

import asyncio
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.lastgood import LastGood
from services.gateway.nesting import TooDeep, check_depth, depth
from services.gateway.ownership import check_kind, check_owner
from services.gateway.retry import RetryBudget, with_retry
from services.gateway.watched import WatchedFile
from services.kit.errors import BadRequest, Forbidden
from services.kit.http import BackendTimeout, BackendUnavailable
from services.kit.identity import Caller

PERSON = Caller("t1", "u1", "person", frozenset())
SERVER = Caller("t1", "key-1", "server", frozenset())


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_memory_is_bounded_by_number():
    answers = LastGood(entries=2, max_age_s=10)
    for number in range(3):
        answers.remember(number, number)
    assert [answers.recall(number) is None for number in range(3)] == [True, False, False]


def test_memory_is_bounded_by_age():
    clock = Clock()
    answers = LastGood(entries=2, max_age_s=10, clock=clock)
    answers.remember("k", "v")
    clock.now = 10
    assert answers.recall("k").age_ms == 10_000
    clock.now = 10.1
    assert answers.recall("k") is None
    assert len(answers) == 0


def test_no_memory_at_all_is_a_setting():
    answers = LastGood(entries=0, max_age_s=10)
    answers.remember("k", "v")
    assert answers.recall("k") is None


JSON = st.recursive(
    st.none() | st.booleans() | st.text(alphabet='[]{}"\\a', max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='[{"\\', max_size=3), inner, max_size=3)
    ),
)


def reference_depth(value):
    if isinstance(value, dict):
        return 1 + max(map(reference_depth, value.values()), default=0)
    return 1 + max(map(reference_depth, value), default=0) if isinstance(value, list) else 0


@given(JSON)
def test_depth_is_what_a_parser_would_find(value):
    assert depth(json.dumps(value).encode()) == reference_depth(value)


def test_a_body_that_nests_too_deep_is_refused_before_it_is_parsed():
    with pytest.raises(TooDeep):
        check_depth(b"[" * 100_000, 32)


def test_many_brackets_are_not_deep():
    check_depth(b"[" + b"[]," * 10_000 + b"[]]", 32)


def test_half_a_string_does_not_hide_brackets():
    with pytest.raises(TooDeep):
        check_depth(b'{"a": "b' + b'"' + b"[" * 40, 32)


@pytest.mark.parametrize(
    ("people", "body"),
    [
        ("user_id", {"user_id": "u2"}),
        ("user_id", {"other": "u1"}),
        ("user_id", ["u1"]),
        ("batch.*.user_id", {"batch": [{"user_id": "u1"}, {"user_id": "u2"}]}),
        ("batch.*.user_id", {"batch": [{"anonymous_id": "a"}]}),
        ("batch.*.user_id", {"batch": {"user_id": "u1"}}),
        ("records.*.user_id", {"records": ["u1"]}),
    ],
)
def test_a_person_may_only_name_itself(people, body):
    with pytest.raises(Forbidden) as refused:
        check_owner(PERSON, json.dumps(body).encode(), people)
    assert refused.value.param == people


def test_a_person_may_name_itself():
    check_owner(PERSON, b'{"batch": [{"user_id": "u1"}, {"user_id": "u1"}]}', "batch.*.user_id")


def test_a_server_may_name_everybody():
    check_owner(SERVER, b'{"user_id": "u2"}', "user_id")


def test_a_name_given_twice_is_refused_because_parsers_differ():
    with pytest.raises(BadRequest):
        check_owner(PERSON, b'{"user_id": "u1", "user_id": "u2"}', "user_id")


@pytest.mark.parametrize(
    ("body", "why"),
    [(b"{", "The body is not valid JSON."), ('{"user_id": "用户"}'.encode("gbk"), "The body is not UTF-8.")],
)
def test_a_persons_body_that_is_no_json_is_refused(body, why):
    with pytest.raises(BadRequest) as refused:
        check_owner(PERSON, body, "user_id")
    assert refused.value.detail == why


def test_routes_are_for_servers_unless_they_say_otherwise():
    with pytest.raises(Forbidden):
        check_kind(PERSON, for_people=False)
    check_kind(PERSON, for_people=True)
    check_kind(SERVER, for_people=False)


class Flaky:
    def __init__(self, *errors):
        self.errors = list(errors)
        self.calls = 0

    async def __call__(self):
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


REFUSED = BackendUnavailable("b", "refused")


async def test_a_refused_idempotent_call_is_tried_once_more():
    call = Flaky(REFUSED)
    assert await with_retry(call, idempotent=True, budget=RetryBudget(share=0.1)) == "answer"
    assert call.calls == 2


async def test_there_is_no_second_retry():
    call = Flaky(REFUSED, REFUSED)
    with pytest.raises(BackendUnavailable):
        await with_retry(call, idempotent=True, budget=RetryBudget(share=0.1))
    assert call.calls == 2


@pytest.mark.parametrize(("error", "idempotent"), [(REFUSED, False), (BackendTimeout("b", "deadline"), True)])
async def test_what_may_have_happened_is_not_tried_again(error, idempotent):
    call = Flaky(error)
    with pytest.raises(type(error)):
        await with_retry(call, idempotent=idempotent, budget=RetryBudget(share=0.1))
    assert call.calls == 1


async def test_retries_stay_within_a_tenth_of_the_calls():
    budget = RetryBudget(share=0.1, reserve=2)
    calls = [Flaky(REFUSED, REFUSED) for _ in range(100)]
    for call in calls:
        with pytest.raises(BackendUnavailable):
            await with_retry(call, idempotent=True, budget=budget)
    assert sum(call.calls for call in calls) - 100 in range(10, 13)


def parse_number(content):
    return int(content)


async def test_a_file_is_read_again_when_it_changes(tmp_path):
    path = tmp_path / "number"
    path.write_text("1")
    file = WatchedFile("n", path, parse_number)
    assert (await file.refresh(), file.value) == (True, 1)
    assert await file.refresh() is False
    path.write_text("22")
    assert (await file.refresh(), file.value) == (True, 22)


async def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path):
    (tmp_path / "number").write_bytes(b"\xef\xbb\xbf1")
    file = WatchedFile("n", tmp_path / "number", parse_number)
    assert (await file.refresh(), file.value) == (True, 1)


async def test_a_file_replaced_by_nonsense_keeps_its_last_good_reading(tmp_path):
    path = tmp_path / "number"
    path.write_text("1")
    file = WatchedFile("n", path, parse_number)
    await file.refresh()
    path.write_text("nonsense")
    assert (await file.refresh(), file.value) == (False, 1)
    path.unlink()
    assert (await file.refresh(), file.value) == (False, 1)


async def test_a_file_replaced_within_the_same_moment_is_noticed(tmp_path):
    path, other = tmp_path / "number", tmp_path / "other"
    path.write_text("1")
    file = WatchedFile("n", path, parse_number)
    await file.refresh()
    other.write_text("2")
    os.utime(other, ns=(path.stat().st_mtime_ns, path.stat().st_mtime_ns))
    other.replace(path)
    assert (await file.refresh(), file.value) == (True, 2)


async def test_a_watched_file_is_followed_while_it_runs(tmp_path):
    path = tmp_path / "number"
    path.write_text("1")
    file = WatchedFile("n", path, parse_number, poll_s=0.01)
    running = asyncio.create_task(file.run())
    async with asyncio.timeout(30):
        while file.value != 1:
            await asyncio.sleep(0.005)
        path.write_text("22")
        while file.value != 22:
            await asyncio.sleep(0.005)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
