"""Versions of the model: which there are, how they stand, and what is wanted of them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intent import model_store
from services.intent.model import ModelRefused
from services.intent.model_schemas import ModelView, ShadowRequest
from services.intent.model_views import views
from services.intent.resources import Held, Resources
from services.intent.serving.desired import Desired, WishRefused
from services.intent.serving.library import Known
from services.intent.serving.registry import Standing
from services.kit.errors import Conflict, NotFound, Problem, Unavailable
from services.kit.identity import Caller, requires
from services.kit.pagination import Page, decode_cursor, encode_cursor
from services.kit.wire import ExternalId

router = APIRouter(prefix="/v1/models", tags=["models"])

Reader = Annotated[Caller, requires("models:read")]
Writer = Annotated[Caller, requires("models:write")]
Version = Annotated[ExternalId, Path(description="The version, as its manifest states it.")]

DATABASE_S = 2.0
"""With the two seconds that a lost connection is given to close, less than the deadline of these routes."""

_UNKNOWN: dict[int | str, dict[str, Any]] = {404: {"model": Problem, "description": "No such version is here"}}
_REFUSED: dict[int | str, dict[str, Any]] = {
    **_UNKNOWN,
    409: {"model": Problem, "description": "The package is refused, or the other versions' roles do not allow it"},
    503: {"model": Problem, "description": "The database cannot be reached"},
}


class ModelNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("No such version is here.", param="version")


class PackageRefused(Conflict):
    code = "model_refused"


class ForeignLabels(Conflict):
    code = "foreign_labels"


class ModelServes(Conflict):
    code = "model_serves"


class RoleRefused(Conflict):
    def __init__(self, refused: WishRefused) -> None:
        super().__init__(str(refused), param="version")
        self.code = refused.code


class TooManyModels(Conflict):
    code = "too_many_models"


@router.get("")
async def list_models(
    held: Held,
    _: Reader,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Page[ModelView]:
    """Every version that is here or has a role, in the order of their names."""
    after = None if cursor is None else decode_cursor("models", cursor, str)[0]
    known, standings = await _here(held)
    async with _in_time(held.db.connect()) as connection:
        wishes = (await model_store.desired(connection)).wishes
        behind = [version for version in sorted({*known, *standings, *wishes}) if after is None or version > after]
        data = await views(connection, behind[:limit], known=known, standings=standings)
    more = len(behind) > limit
    return Page(data=data, has_more=more, next_cursor=encode_cursor("models", data[-1].version) if more else None)


@router.get("/{version}", responses=_UNKNOWN)
async def read_model(version: Version, held: Held, _: Reader) -> ModelView:
    """One version: its role, its state in every process, and how far it agreed as a shadow."""
    return await _view(held, version)


@router.post("/{version}/load", status_code=202, responses=_REFUSED)
async def load_model(version: Version, held: Held, caller: Writer) -> ModelView:
    """Hold a version ready beside the one that serves."""
    await _checked(held, version)
    return await _ask(held, version, lambda wanted, at: wanted.loaded(version, at, caller.subject))


@router.post("/{version}/promote", status_code=202, responses=_REFUSED)
async def promote_model(version: Version, held: Held, caller: Writer) -> ModelView:
    """Serve a version as soon as it is loaded and warm. Until then, and if it is refused, the one before goes on.

    A version with labels that `/v1/understand` does not document is refused (`foreign_labels`) unless the settings allow it.
    """
    known = await _checked(held, version)
    if known.barred is not None:
        raise ForeignLabels(f"{version} may not serve: {known.barred}.", param="version")
    serving = held.registry.serves()
    return await _ask(held, version, lambda wanted, at: wanted.promoted(version, at, caller.subject, serving=serving))


@router.post("/{version}/shadow", status_code=202, responses=_REFUSED)
async def shadow_model(version: Version, body: ShadowRequest, held: Held, caller: Writer) -> ModelView:
    """Let a version answer a share of the live texts too, only to compare. A new shadow counts from nothing."""
    await _checked(held, version)
    await _refuse_if_it_serves(held, version)
    return await _ask(held, version, lambda wanted, at: wanted.shadowed(version, at, caller.subject, share=body.share))


@router.post("/{version}/unshadow", status_code=202, responses=_REFUSED)
async def unshadow_model(version: Version, held: Held, caller: Writer) -> ModelView:
    """End a shadow. The version stays ready, and its counts can still be read."""
    await _view(held, version)
    return await _ask(held, version, lambda wanted, at: wanted.unshadowed(version, at, caller.subject))


@router.post("/{version}/retire", status_code=202, responses=_REFUSED)
async def retire_model(version: Version, held: Held, _: Writer) -> ModelView:
    """Let a version go once it has finished what it does; its files stay."""
    await _view(held, version)
    await _refuse_if_it_serves(held, version)
    return await _ask(held, version, lambda wanted, _: wanted.retired(version))


@asynccontextmanager
async def _in_time(opening: AbstractAsyncContextManager[AsyncConnection]) -> AsyncIterator[AsyncConnection]:
    """Raises Unavailable where the database is silent, whatever time the caller has."""
    try:
        async with asyncio.timeout(DATABASE_S), opening as connection:
            yield connection
    except TimeoutError as error:
        raise Unavailable("The database does not answer.") from error


async def _checked(held: Resources, version: str) -> Known:
    """Raise for a version that is not here, or whose package cannot be served: then nothing is written."""
    known = await asyncio.to_thread(held.library.known)
    if version not in known:
        raise ModelNotFound
    try:
        await asyncio.to_thread(held.library.check, known[version])
    except ModelRefused as refused:
        raise PackageRefused(f"{version} is refused: {refused}", param="version") from refused
    return known[version]


async def _refuse_if_it_serves(held: Resources, version: str) -> None:
    """Some process may serve what is no longer wanted, where it could not load what is."""
    async with _in_time(held.db.connect()) as connection:
        elsewhere = (await model_store.processes(connection, [version]))[version]["serving"]
    if elsewhere or held.registry.serves() == version:
        raise ModelServes(f"{version} serves.", param="version")


async def _ask(held: Resources, version: str, step: Callable[[Desired, datetime], Desired]) -> ModelView:
    """Write down what is wanted, and set about it."""

    def bounded(before: Desired, now: datetime) -> Desired:
        after = step(before, now)
        needed = len(after.wishes) + (after.of_role("serving") is None)
        if needed > max(held.settings.loaded_models, len(before.wishes)):
            raise TooManyModels(f"{needed} versions would be held; retire one first.", param="version")
        return after

    async with _in_time(held.db.begin()) as connection:
        try:
            await model_store.change(connection, bounded)
        except WishRefused as refused:
            raise RoleRefused(refused) from refused
    held.reconciler.hurry()
    return await _view(held, version)


async def _view(held: Resources, version: str) -> ModelView:
    known, standings = await _here(held)
    async with _in_time(held.db.connect()) as connection:
        [view] = await views(connection, [version], known=known, standings=standings)
    if version not in known and version not in standings and view.role is None:
        raise ModelNotFound
    return view


async def _here(held: Resources) -> tuple[Mapping[str, Known], Mapping[str, Standing]]:
    """What is here now, which may be more than what the registry saw a moment ago."""
    return await asyncio.to_thread(held.library.known), held.registry.standings()
