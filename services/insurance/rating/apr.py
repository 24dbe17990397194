"""The yearly cost of credit by the actuarial method (12 CFR 1026, Appendix J; Directive 2008/48/EC, Annex I)."""

from collections.abc import Sequence
from decimal import Decimal, localcontext

from services.insurance.rating.trace import PRECISE

_CLOSE = Decimal("1e-18")
_MOST_STEPS = 200


class NoRate(ValueError):
    """Cash flows that no rate between 0 and 1000 % a period makes equal."""


def period_rate(advance: Decimal, payments: Sequence[Decimal]) -> Decimal:
    """The rate a period at which payments, one at the end of each period, are worth `advance` today.

    Newton's method kept inside a bracket by bisection; exact to about 18 decimals. The value of payments falls with the
    rate, so there is one solution. Raises NoRate when payments add up to less than the advance.
    """
    with localcontext(PRECISE):
        low, high = Decimal(0), Decimal(10)
        if advance <= 0 or sum(payments) < advance or _value(payments, high)[0] > advance:
            raise NoRate("the payments do not repay the advance at any rate from 0 to 1000 % a period")
        rate = Decimal("0.01")
        for _ in range(_MOST_STEPS):
            value, slope = _value(payments, rate)
            low, high = (rate, high) if value > advance else (low, rate)
            step = rate - (value - advance) / slope
            following = step if low < step < high else (low + high) / 2
            if abs(following - rate) < _CLOSE:
                return following
            rate = following
    raise NoRate("the rate did not converge")


def nominal_annual(rate: Decimal, periods: int) -> Decimal:
    """Appendix J: the period's rate times the periods of a year."""
    return PRECISE.multiply(rate, Decimal(periods))


def effective_annual(rate: Decimal, periods: int) -> Decimal:
    """Annex I of the directive: interest on interest over one year."""
    return PRECISE.subtract(PRECISE.power(1 + rate, Decimal(periods)), Decimal(1))


def _value(payments: Sequence[Decimal], rate: Decimal) -> tuple[Decimal, Decimal]:
    """Present value of the payments, and its derivative by the rate (Horner's scheme)."""
    discount = 1 / (1 + rate)
    value = moment = Decimal(0)
    for period in range(len(payments), 0, -1):
        value = (value + payments[period - 1]) * discount
        moment = (moment + period * payments[period - 1]) * discount
    return value, -moment * discount
