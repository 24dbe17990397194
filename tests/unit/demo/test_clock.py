from datetime import UTC, datetime

from demo.clock import Calendar

NOON = datetime(2026, 6, 30, 4, tzinfo=UTC)  # in Shanghai


def moment(day: float) -> datetime:
    return datetime.fromtimestamp(Calendar(NOON).epoch_ms(day) / 1000, UTC)


def test_hours_before_today_keep_their_place_on_the_clock() -> None:
    assert moment(-1.25) == datetime(2026, 6, 29, 10, tzinfo=UTC)  # six in the evening of yesterday


def test_today_is_squeezed_into_what_has_passed_of_it() -> None:
    assert moment(-0.5) == datetime(2026, 6, 29, 22, tzinfo=UTC)  # six in the morning of today
    assert moment(-1e-9) <= NOON


def test_order_is_kept_across_midnight() -> None:
    days = [-2.0, -1.5, -1.001, -1.0, -0.999, -0.5, -0.001]
    moments = [moment(day) for day in days]
    assert moments == sorted(moments)
    assert len(set(moments)) == len(moments)
