"""What other services may ask of intent."""

from services.intent.schemas import UnderstandRequest, UnderstandResponse
from services.kit.http import Backend, CallContext


class IntentClient:
    """Every method raises the `BackendError`s of the kit."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def understand(self, text: str, *, context: CallContext) -> UnderstandResponse:
        """What one text says; raises `ValidationError` for a text the service would refuse."""
        body = UnderstandRequest(text=text).model_dump_json(exclude_none=True).encode()
        return await self._backend.call(
            "POST", "/v1/understand", context=context, response=UnderstandResponse, body=body
        )
