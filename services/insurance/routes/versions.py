"""The life of a product version: written as a draft, made live, retired."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Request, Response
from pydantic import RootModel, ValidationError

from services.insurance import product_store
from services.insurance.definition import ProductDefinition, canonical, checksum
from services.insurance.faults import ProductNotFound, VersionImmutable
from services.insurance.product_schemas import ProductView
from services.insurance.product_views import view_of
from services.insurance.resources import Held, Resources
from services.insurance.tables import idempotency_keys
from services.insurance.wire_types import ProductId
from services.kit.errors import InvalidInput, field_problems
from services.kit.idempotency import idempotent
from services.kit.identity import Caller, requires

router = APIRouter(tags=["products"])

Writer = Annotated[Caller, requires("products:write")]
Id = Annotated[ProductId, Path(description="The product's id.")]
Version = Annotated[int, Path(ge=1, le=2**31 - 1)]


class Definition(RootModel[dict[str, Any]]):
    """A product definition as docs/insurance.md describes it."""


@router.post("/v1/products", status_code=201, response_model=ProductView)
async def write_draft(request: Request, body: Definition, held: Held, caller: Writer) -> Response:
    """Write a new version as a draft, or over the draft of the same version. What was live never changes."""
    definition = _checked(body.root)
    await held.catalogue.shelf(caller.tenant_id)

    async def run() -> ProductView:
        row = _draft(held, caller, definition, body.root)
        await product_store.lock_products(connection, caller.tenant_id)
        await product_store.replace_draft(connection, row)
        found = await product_store.find_version(
            connection, caller.tenant_id, definition.product_id, definition.version
        )
        if found is None or found.checksum != row["checksum"]:
            raise VersionImmutable("This version was live already: give the change a new version.", param="version")
        return view_of(found)

    async with held.db.begin() as connection:
        return await idempotent(connection, idempotency_keys, caller, request, body, run, status_code=201)


@router.post("/v1/products/{product_id}/versions/{version}/publish")
async def publish_version(product_id: Id, version: Version, held: Held, caller: Writer) -> ProductView:
    """Make a draft live; the version that was live is retired. Publishing a live version changes nothing."""
    await held.catalogue.shelf(caller.tenant_id)
    async with held.db.begin() as connection:
        await product_store.lock_products(connection, caller.tenant_id)
        found = await product_store.find_version(connection, caller.tenant_id, product_id, version)
        if found is None:
            raise ProductNotFound
        if found.status == "retired":
            raise VersionImmutable("A retired version does not come back: write a new one.", param="version")
        if found.status == "draft":
            await product_store.make_live(connection, caller.tenant_id, product_id, version, held.now())
    return await _shown(held, caller, product_id, version)


@router.post("/v1/products/{product_id}/versions/{version}/retire")
async def retire_version(product_id: Id, version: Version, held: Held, caller: Writer) -> ProductView:
    """Take a version off sale for good. It can still be read and rated by its number."""
    await held.catalogue.shelf(caller.tenant_id)
    async with held.db.begin() as connection:
        await product_store.lock_products(connection, caller.tenant_id)
        await product_store.retire(connection, caller.tenant_id, product_id, version, held.now())
    return await _shown(held, caller, product_id, version)


async def _shown(held: Resources, caller: Caller, product_id: str, version: int) -> ProductView:
    await held.catalogue.reload(caller.tenant_id)
    async with held.db.connect() as connection:
        row = await product_store.find_version(connection, caller.tenant_id, product_id, version)
    if row is None:
        raise ProductNotFound
    return view_of(row)


def _checked(document: dict[str, Any]) -> ProductDefinition:
    try:
        text = canonical(document)
    except orjson.JSONEncodeError as error:
        raise InvalidInput("A definition holds a number or a text that JSON cannot carry on.", param="body") from error
    if b"\\u0000" in text:
        raise InvalidInput("A definition cannot hold the character U+0000.", param="body")
    try:
        return ProductDefinition.model_validate(document)
    except ValidationError as error:
        problems = field_problems([{**each, "loc": ("body", *each["loc"])} for each in error.errors()[:20]])
        raise InvalidInput(problems[0]["detail"], param=problems[0]["param"] or "body", errors=problems) from error


def _draft(held: Resources, caller: Caller, definition: ProductDefinition, document: dict[str, Any]) -> dict[str, Any]:
    return {
        "tenant_id": caller.tenant_id,
        "product_id": definition.product_id,
        "version": definition.version,
        "status": "draft",
        "checksum": checksum(document),
        "definition": document,
        "created_at": held.now(),
        "live_at": None,
        "retired_at": None,
    }
