"""What other services may ask of insurance."""

from services.insurance.schemas import Offers, OffersRequest
from services.kit.http import Backend, CallContext


class InsuranceClient:
    """One typed method a call; every method raises the `BackendError`s of `Backend.call`."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def offers(self, request: OffersRequest, *, context: CallContext) -> Offers:
        """What suits one person; needs the scope offers:read."""
        return await self._backend.call("POST", "/v1/offers", context=context, body=request, response=Offers)
