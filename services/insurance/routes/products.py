"""Products: lists and definitions, prices with their calculation, eligibility."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query

from services.insurance import product_store
from services.insurance.eligibility import assess
from services.insurance.faults import NotRateable, ProductNotFound, invalid_fields
from services.insurance.inputs import derived
from services.insurance.offering import age_of
from services.insurance.product import Product
from services.insurance.product_schemas import (
    EligibilityAnswer,
    EligibilityRequest,
    ProductSummary,
    ProductView,
    RatingAnswer,
    RatingRequest,
)
from services.insurance.product_views import summary_of, view_of
from services.insurance.rating.tariff import Input
from services.insurance.rating.trace import RatingRefused
from services.insurance.rating_answers import rating_answer
from services.insurance.resources import Held, Resources
from services.insurance.texts import say_all
from services.insurance.wire_types import ProductId
from services.kit.identity import Caller, requires
from services.kit.pagination import Page, decode_cursor, encode_cursor

router = APIRouter(tags=["products"])
LIST = "products"

Reader = Annotated[Caller, requires("products:read")]
Id = Annotated[ProductId, Path(description="The product's id.")]


@router.get("/v1/products")
async def list_products(
    held: Held,
    caller: Reader,
    status: Annotated[Literal["draft", "live", "retired"], Query()] = "live",
    cursor: Annotated[str | None, Query(max_length=512)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Page[ProductSummary]:
    """Products of one status, by id and version."""
    await held.catalogue.shelf(caller.tenant_id)
    after = decode_cursor(LIST, cursor, str, int) if cursor is not None else None
    async with held.db.connect() as connection:
        rows = await product_store.page_of_versions(
            connection, caller.tenant_id, status=status, after=after, limit=limit + 1
        )
    shown, more = rows[:limit], len(rows) > limit
    following = encode_cursor(LIST, shown[-1].product_id, shown[-1].version) if more else None
    return Page(data=[summary_of(row) for row in shown], has_more=more, next_cursor=following)


@router.get("/v1/products/{product_id}")
async def read_product(
    product_id: Id, held: Held, caller: Reader, version: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None
) -> ProductView:
    """One product with its whole definition; the live version unless one is named."""
    await held.catalogue.shelf(caller.tenant_id)
    async with held.db.connect() as connection:
        row = await product_store.find_version(connection, caller.tenant_id, product_id, version)
    if row is None:
        raise ProductNotFound
    return view_of(row)


@router.post("/v1/products/{product_id}/rating")
async def rate_product(product_id: Id, body: RatingRequest, held: Held, caller: Reader) -> RatingAnswer:
    """A price for inputs, with every step of its calculation. It is indicative: only a quote binds."""
    product = await _product(held, caller, product_id, body.version)
    problems = product.inputs.problems(body.inputs)
    if problems:
        raise invalid_fields("inputs", problems)
    moment = body.as_of or held.now()
    day = product.day(moment)
    inputs: dict[str, Input] = {name: value for name, value in body.inputs.items() if isinstance(value, Input)}
    try:
        rating = product.price(inputs, day)
        age = derived(inputs, day).get("age")
    except RatingRefused as refusal:
        field = "birth_date" if refusal.input == "age" else refusal.input
        raise NotRateable(refusal.detail, param=f"inputs.{field}", reason=refusal.code) from refusal
    return rating_answer(product, rating, age if isinstance(age, int) else None, moment)


@router.post("/v1/products/{product_id}/eligibility")
async def check_eligibility(product_id: Id, body: EligibilityRequest, held: Held, caller: Reader) -> EligibilityAnswer:
    """Whether the product may be sold to somebody with these facts, and why not."""
    product = await _product(held, caller, product_id, body.version)
    moment = body.as_of or held.now()
    day = product.day(moment)
    found = assess(product.rules, body.facts, day)
    return EligibilityAnswer(
        product_id=product_id,
        version=product.definition.version,
        verdict=found.verdict,
        age=age_of(body.facts, day),
        as_of=moment,
        reason_codes=list(found.codes),
        reasons=say_all(found.codes, body.locale),
    )


async def _product(held: Resources, caller: Caller, product_id: str, version: int | None) -> Product:
    product = await held.catalogue.version(caller.tenant_id, product_id, version)
    if product is None:
        raise ProductNotFound
    return product
