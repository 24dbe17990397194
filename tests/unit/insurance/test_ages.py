"""Ages in completed years, in the product's timezone."""

from datetime import UTC, date, datetime

import pytest

from services.insurance.age import completed_years, local_date


@pytest.mark.parametrize(
    ("birth", "on", "years"),
    [
        (date(1990, 6, 1), date(2026, 5, 31), 35),
        (date(1990, 6, 1), date(2026, 6, 1), 36),
        (date(2004, 2, 29), date(2026, 2, 28), 21),
        (date(2004, 2, 29), date(2026, 3, 1), 22),
        (date(2004, 2, 29), date(2024, 2, 28), 19),
        (date(2004, 2, 29), date(2024, 2, 29), 20),
        (date(2026, 6, 1), date(2026, 6, 1), 0),
    ],
)
def test_a_year_is_completed_on_the_birthday(birth: date, on: date, years: int) -> None:
    assert completed_years(birth, on) == years


def test_nobody_is_born_in_the_future() -> None:
    with pytest.raises(ValueError, match="future"):
        completed_years(date(2027, 1, 1), date(2026, 1, 1))


def test_the_day_is_that_of_the_products_timezone() -> None:
    moment = datetime(2026, 5, 31, 16, 30, tzinfo=UTC)
    assert local_date(moment, "Asia/Shanghai") == date(2026, 6, 1)
    assert local_date(moment, "UTC") == date(2026, 5, 31)
