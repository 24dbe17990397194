"""What to show: a person's past, the fitted model and the catalogue in memory, put together. One query a request."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from services.kit.artifacts import ArtifactSlot
from services.kit.database import Database
from services.recommend import interactions
from services.recommend.catalogue import Catalogue
from services.recommend.catalogues import Catalogues
from services.recommend.history import weighted_history
from services.recommend.interaction import COMPLETED
from services.recommend.interactions import Past
from services.recommend.listing import Deeds, deeds_of, listed
from services.recommend.model import RecommendModel
from services.recommend.rank import Mask, Ranked
from services.recommend.schemas import ContentAnswer, ContentRequest
from services.recommend.selection import (
    Pick,
    Unknown,
    affinity_of,
    by_taste,
    for_nobody,
    of_model,
    similar_picks,
    taste_of,
)

UNKNOWN_ITEM = "unknown_item"
Models = ArtifactSlot[RecommendModel]


@dataclass(frozen=True, slots=True)
class View:
    """One model seen with one catalogue: which of its rows may be shown, and the shown items that it does not know."""

    catalogue: Catalogue
    model: RecommendModel
    allowed: Mask
    unknown: Unknown


@dataclass(frozen=True, slots=True)
class Wish:
    """What one person's list is made from."""

    past: Past
    affinity: Mapping[str, float]
    taste: Mapping[str, float]
    context: str | None
    limit: int

    @property
    def exclude(self) -> frozenset[str]:
        """What the person owns or has finished, and the item that is open already."""
        finished = {each.item_id for each in self.past.history if each.type == COMPLETED}
        return self.past.owned | finished | ({self.context} if self.context else set())


@dataclass(frozen=True)
class Content:
    """Answers requests for content."""

    db: Database
    catalogues: Catalogues
    models: Models
    history_length: int
    new_item_share: float
    _views: dict[str, View] = field(default_factory=dict)

    async def answer(self, tenant_id: str, request: ContentRequest) -> ContentAnswer:
        """The items to show. Without consent, or when asked to, nothing about the person is read or used."""
        catalogue = self.catalogues.get(tenant_id)
        context = request.item_id if request.item_id in catalogue.items else None
        if may_personalise(request):
            picks, deeds, personalised = await self._for_person(tenant_id, catalogue, request, context)
        else:
            picks, deeds, personalised = for_nobody(catalogue, limit=request.limit), {}, False
        return ContentAnswer(
            items=listed(catalogue, picks, request.locale, deeds=deeds, context=context),
            notices=[UNKNOWN_ITEM] if request.item_id != context else [],
            model_version=self.models.version(tenant_id),
            personalised=personalised,
        )

    async def _for_person(
        self, tenant_id: str, catalogue: Catalogue, request: ContentRequest, context: str | None
    ) -> tuple[list[Pick], Deeds, bool]:
        """The picks, what the person did with the items of the history, and whether there was anything to go by."""
        past = await self._past(tenant_id, request.user_id)
        person = request.person
        affinity = affinity_of(person.interests, person.traits) if person else {}
        wish = Wish(past, affinity, taste_of(catalogue, past.history, affinity), context, request.limit)
        model = self.models.get(tenant_id)
        if model is None:
            picks = by_taste(catalogue, wish.taste, limit=wish.limit, exclude=wish.exclude, context=context)
        else:
            picks = self._of_model(self.view(tenant_id, catalogue, model), wish)
        return picks, deeds_of(past.history), bool(past.history or affinity)

    async def _past(self, tenant_id: str, user_id: str) -> Past:
        async with self.db.connect() as connection:
            # One query needs no transaction around it: BEGIN and ROLLBACK would be two round trips more.
            alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
            return await interactions.past(alone, tenant_id, user_id, length=self.history_length)

    def _of_model(self, view: View, wish: Wish) -> list[Pick]:
        ranked = view.model.recommend(
            weighted_history(wish.past.history),
            limit=wish.limit,
            now=time.time(),
            exclude=wish.exclude,
            allowed=view.allowed,
            affinity=wish.affinity,
            context_item=wish.context,
        )
        return of_model(
            ranked,
            view.catalogue,
            view.unknown,
            wish.taste,
            limit=wish.limit,
            new_share=self.new_item_share,
            exclude=wish.exclude,
        )

    def similar(self, tenant_id: str, item_id: str, *, limit: int) -> list[Pick]:
        """Items that go with one item of the catalogue."""
        catalogue, model = self.catalogues.get(tenant_id), self.models.get(tenant_id)
        ranked: list[Ranked] = []
        if model is not None and item_id in model.index:
            allowed = self.view(tenant_id, catalogue, model).allowed
            ranked = model.similar(item_id, limit=limit, allowed=allowed)
        return similar_picks(catalogue, ranked, item_id, limit=limit)

    def view(self, tenant_id: str, catalogue: Catalogue, model: RecommendModel) -> View:
        """The model seen with the catalogue, made anew when either was replaced."""
        held = self._views.get(tenant_id)
        if held is None or held.catalogue is not catalogue or held.model is not model:
            unknown = Unknown.of(catalogue, model.index)
            held = self._views[tenant_id] = View(catalogue, model, model.mask(catalogue.shown), unknown)
        return held


def may_personalise(request: ContentRequest) -> bool:
    """Asked for, and not objected to; personalisation is allowed where nothing was said (the consents say so to all)."""
    objected = request.person is not None and request.person.consents.get("personalisation") is False
    return request.personalise and not objected
