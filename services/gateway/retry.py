"""One more try where nothing can have happened yet, within a budget that keeps retries from making an outage worse."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from prometheus_client import Counter

from services.kit.http import BackendUnavailable

T = TypeVar("T")

RETRIES = Counter("kuajie_gateway_retries_total", "Calls whose connection was refused, by what was done.", ["outcome"])


class RetryBudget:
    """Tokens as in Finagle's RetryBudget: every call earns `share` of a retry, at most `reserve` are saved up."""

    def __init__(self, *, share: float, reserve: float = 10.0) -> None:
        self._share = share
        self._reserve = reserve
        self._saved = reserve

    def earn(self) -> None:
        """Count a first try."""
        self._saved = min(self._reserve, self._saved + self._share)

    def spend(self) -> bool:
        """Take one retry, if one is left."""
        if self._saved < 1:
            RETRIES.labels("refused_by_budget").inc()
            return False
        self._saved -= 1
        RETRIES.labels("tried_again").inc()
        return True


async def with_retry(call: Callable[[], Awaitable[T]], *, idempotent: bool, budget: RetryBudget) -> T:
    """`call`, and once more when the connection was refused. The deadline is the call's own, and is not renewed."""
    budget.earn()
    try:
        return await call()
    except BackendUnavailable:
        if not idempotent or not budget.spend():
            raise
    return await call()
