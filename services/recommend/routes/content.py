"""Lists of items: for a person, like an item, popular, latest."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from services.kit.errors import NotFound
from services.kit.identity import Caller, requires
from services.kit.wire import DEFAULT_LOCALE, ExternalId, Locale
from services.recommend.catalogue import Catalogue
from services.recommend.listing import listed
from services.recommend.resources import Held
from services.recommend.schemas import ContentAnswer, ContentRequest, ItemList
from services.recommend.selection import Pick, latest_picks, popular_picks

router = APIRouter(tags=["content"])

Reader = Annotated[Caller, requires("recommend:read")]
Limit = Annotated[int, Query(ge=1, le=100, description="How many items.")]
CategoryName = Annotated[str | None, Query(max_length=128, description="Items of this category only.")]
ItemId = Annotated[ExternalId, Path()]


@router.post("/v1/content")
async def content(body: ContentRequest, held: Held, caller: Reader) -> ContentAnswer:
    """Items for one person, best first, each with its reason. An unknown person gets a cold-start answer."""
    caller.require_self(body.user_id)
    return await held.content.answer(caller.tenant_id, body)


@router.get("/v1/items/{item_id:path}/similar")
async def similar(
    item_id: ItemId, held: Held, caller: Reader, limit: Limit = 10, locale: Locale = DEFAULT_LOCALE
) -> ItemList:
    """Items that go with one item: by the fitted model, or popular in its categories where the model does not know it."""
    catalogue = held.catalogues.get(caller.tenant_id)
    if item_id not in catalogue.items:
        raise NotFound("No such item.", param="item_id")
    picks = held.content.similar(caller.tenant_id, item_id, limit=limit)
    return _list(held, caller, catalogue, picks, locale, context=item_id)


@router.get("/v1/popular")
async def popular(
    held: Held, caller: Reader, category: CategoryName = None, limit: Limit = 10, locale: Locale = DEFAULT_LOCALE
) -> ItemList:
    """What people take up most these days, in one category or in all."""
    catalogue = held.catalogues.get(caller.tenant_id)
    return _list(held, caller, catalogue, popular_picks(catalogue, category, limit=limit), locale)


@router.get("/v1/latest")
async def latest(
    held: Held, caller: Reader, category: CategoryName = None, limit: Limit = 10, locale: Locale = DEFAULT_LOCALE
) -> ItemList:
    """What was published last, in one category or in all."""
    catalogue = held.catalogues.get(caller.tenant_id)
    return _list(held, caller, catalogue, latest_picks(catalogue, category, limit=limit), locale)


def _list(
    held: Held, caller: Caller, catalogue: Catalogue, picks: list[Pick], locale: str, *, context: str | None = None
) -> ItemList:
    data = listed(catalogue, picks, locale, deeds={}, context=context)
    return ItemList(data=data, model_version=held.models.version(caller.tenant_id))
