"""What the composed call asks of the back ends: their clients fit these protocols, and so do the fakes of the tests."""

from dataclasses import dataclass
from typing import Protocol

from services.insurance.schemas import Offers, OffersRequest
from services.intent.schemas import UnderstandResponse
from services.kit.http import CallContext
from services.kit.wire import Locale
from services.profile.client import TaggedSnapshot
from services.recommend.schemas import CampaignAnswer, CampaignRequest, ContentAnswer, ContentRequest, ItemList


class Profile(Protocol):
    """Who someone is."""

    async def snapshot(
        self, user_id: str, context: CallContext, *, known: TaggedSnapshot | None = None
    ) -> TaggedSnapshot: ...


class Intent(Protocol):
    """What someone wants."""

    async def understand(self, text: str, *, context: CallContext) -> UnderstandResponse: ...


class Recommend(Protocol):
    """What to show."""

    async def content(self, request: ContentRequest, *, context: CallContext) -> ContentAnswer: ...
    async def campaign(self, request: CampaignRequest, *, context: CallContext) -> CampaignAnswer: ...
    async def popular(self, *, locale: Locale, limit: int, context: CallContext) -> ItemList: ...


class Insurance(Protocol):
    """What fits, and at what price."""

    async def offers(self, request: OffersRequest, *, context: CallContext) -> Offers: ...


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The four back ends."""

    profile: Profile
    intent: Intent
    recommend: Recommend
    insurance: Insurance
