"""How popular an item is: a forward-decayed count (Cormode, Shkapenyuk, Srivastava, Xu, 2009). Pure.

`heat` is the sum over interactions of weight * exp((occurred_at - 2020) / time constant). Ages need no rewriting as time
passes, sums add up in whatever order events arrive, and only ratios of heats mean anything.
"""

import math

HALF_LIFE_DAYS = 30.0
_TIME_CONSTANT_S = HALF_LIFE_DAYS * 86_400 / math.log(2)
_LANDMARK_S = 1_577_836_800.0
_LARGEST_EXPONENT = 600.0
"""exp(709) overflows a double; 600 is reached in 2091, and further weights stay equal from there on."""


def heat(weight: float, occurred_at: float) -> float:
    """What one interaction adds; `occurred_at` in seconds since 1970."""
    exponent = (occurred_at - _LANDMARK_S) / _TIME_CONSTANT_S
    return weight * math.exp(max(-_LARGEST_EXPONENT, min(_LARGEST_EXPONENT, exponent)))
