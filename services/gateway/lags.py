"""How far the facts of all back ends are on their way, as one report."""

import asyncio
from collections.abc import Mapping

from pydantic import Field

from services.gateway.carriage import told_as_problems
from services.gateway.rows import ServiceName
from services.gateway.schemas import LagReport
from services.gateway.tokens import InternalTokens
from services.kit.http import Backend, CallContext
from services.kit.identity import Caller
from services.kit.resilience import Deadline
from services.kit.telemetry import Trace
from services.kit.wire import MessageModel


class OwnLag(MessageModel):
    """What a back end says of its consumers and, where it is told apart, of its relay."""

    consumers: dict[str, int] = Field(default_factory=dict)
    relay: int | None = None


class Lags:
    """Asks every back end that consumes or publishes."""

    def __init__(self, backends: Mapping[ServiceName, Backend], tokens: InternalTokens) -> None:
        self._backends = backends
        self._tokens = tokens

    async def report(self, caller: Caller, trace: Trace, deadline: Deadline) -> LagReport:
        """All lags by `service.consumer`. Half a report would look like success: one that cannot say fails the whole."""
        context = CallContext(self._tokens.token_for(caller), trace, deadline)
        lags = await asyncio.gather(*(self._of(name, backend, context) for name, backend in self._backends.items()))
        return LagReport(consumers={name: count for each in lags for name, count in each.items()})

    async def _of(self, name: ServiceName, backend: Backend, context: CallContext) -> dict[str, int]:
        with told_as_problems(name):
            own = await backend.call("GET", "/v1/lag", context=context, response=OwnLag)
        counts = own.consumers if own.relay is None else {**own.consumers, "relay": own.relay}
        return {f"{name}.{consumer}": count for consumer, count in counts.items()}
