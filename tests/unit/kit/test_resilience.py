import pytest

from services.kit.resilience import Breaker, Bulkhead, BulkheadFull, Deadline


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def opened(clock: Clock) -> Breaker:
    breaker = Breaker(minimum=5, pause_s=1.0, longest_pause_s=4.0, clock=clock)
    for _ in range(5):
        breaker.record(ok=False)
    return breaker


def test_a_breaker_opens_when_half_of_the_last_calls_failed(clock):
    breaker = Breaker(minimum=4, clock=clock)
    for ok in (True, True, False):
        breaker.record(ok=ok)
    assert breaker.state == "closed"
    breaker.record(ok=False)
    assert breaker.state == "open"
    assert not breaker.allow()


def test_a_single_failure_among_few_calls_does_not_open_it(clock):
    breaker = Breaker(minimum=5, clock=clock)
    breaker.record(ok=False)
    assert breaker.allow()


def test_one_probe_at_a_time_and_success_closes(clock):
    breaker = opened(clock)
    clock.now = 1.0
    assert [breaker.allow(), breaker.allow()] == [True, False]
    breaker.record(ok=True)
    assert breaker.state == "closed"


def test_a_failed_probe_doubles_the_pause_up_to_its_limit(clock):
    breaker = opened(clock)
    for pause in (1.0, 2.0, 4.0, 4.0):
        clock.now += pause - 0.01
        assert not breaker.allow()
        clock.now += 0.01
        assert breaker.allow()
        breaker.record(ok=False)


def test_a_probe_that_never_reports_does_not_hold_the_breaker_open(clock):
    breaker = opened(clock)
    clock.now = 1.0
    assert breaker.allow()
    clock.now = 2.0
    assert breaker.allow()


def test_a_late_failure_of_an_older_call_does_not_lengthen_the_pause(clock):
    breaker = opened(clock)
    clock.now = 0.5
    breaker.record(ok=False)
    clock.now = 1.0
    assert breaker.allow()


def test_a_full_bulkhead_refuses_at_once_and_frees_its_place_after_an_error():
    bulkhead = Bulkhead(1)
    with bulkhead, pytest.raises(BulkheadFull):
        bulkhead.__enter__()
    with pytest.raises(KeyError), bulkhead:
        raise KeyError
    assert bulkhead.in_use == 0


def test_a_deadline_only_gets_shorter():
    deadline = Deadline.after_ms(1000)
    assert deadline.shorter(10).remaining() <= 0.01
    assert deadline.shorter(5000) == deadline
    assert Deadline.after_ms(-5).remaining() == 0.0
    assert Deadline.after_ms(-5).header() == "1"
