"""What other services may ask of intent."""

from collections.abc import Sequence

from services.intent.schemas import UnderstandRequest, UnderstandResponse
from services.kit.http import Backend, CallContext


class IntentClient:
    """Every method raises the `BackendError`s of the kit."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def understand(self, text: str, *, context: CallContext) -> UnderstandResponse:
        """What one text says; raises `ValidationError` for a text the service would refuse."""
        return await self._post(UnderstandRequest(text=text), context)

    async def understand_all(self, texts: Sequence[str], *, context: CallContext) -> UnderstandResponse:
        """What each of 1 to 64 texts says, in order."""
        return await self._post(UnderstandRequest(texts=list(texts)), context)

    async def _post(self, request: UnderstandRequest, context: CallContext) -> UnderstandResponse:
        body = request.model_dump_json(exclude_none=True).encode()
        return await self._backend.call(
            "POST", "/v1/understand", context=context, response=UnderstandResponse, body=body
        )
