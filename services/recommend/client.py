"""What other services may ask of recommend."""

from services.kit.http import Backend, CallContext
from services.kit.wire import Locale
from services.recommend.schemas import CampaignAnswer, CampaignRequest, ContentAnswer, ContentRequest, ItemList


class RecommendClient:
    """One typed method a call; every method raises the `BackendError`s of `Backend.call`."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def content(self, request: ContentRequest, *, context: CallContext) -> ContentAnswer:
        """Items to show to one person; needs the scope recommend:read, like all of these."""
        return await self._backend.call("POST", "/v1/content", context=context, body=request, response=ContentAnswer)

    async def campaign(self, request: CampaignRequest, *, context: CallContext) -> CampaignAnswer:
        """The campaign to show to one person."""
        return await self._backend.call("POST", "/v1/campaign", context=context, body=request, response=CampaignAnswer)

    async def popular(self, *, locale: Locale, limit: int, context: CallContext) -> ItemList:
        """What is popular with everybody."""
        params = {"locale": locale, "limit": str(limit)}
        return await self._backend.call("GET", "/v1/popular", context=context, params=params, response=ItemList)
