"""Every public route declares exactly one scope, and the gateway and the back ends declare the same one."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import SecretStr
from starlette.routing import Route

from services.gateway.app import create_app
from services.gateway.routes import COMPOSED, LAG, Endpoint
from services.gateway.table import ROWS
from services.kit.identity import ScopeCheck
from services.kit.settings import SharedSettings
from tests.conftest import INTERNAL_KEYS
from tests.contract.conftest import applications

INTERNAL = {("POST", "/v1/content"), ("POST", "/v1/campaign"), ("POST", "/v1/offers"), ("GET", "/v1/lag")}
"""Composed or summed up by the gateway: their bodies carry facts that only the gateway may state."""


@pytest.fixture(scope="module")
def back_ends() -> dict[str, FastAPI]:
    """Applications that are never opened: their routes are there without any store."""
    shared = SharedSettings(internal_keys=SecretStr(INTERNAL_KEYS))
    return applications(lambda service: f"postgresql+asyncpg://nobody@127.0.0.1:1/{service}", shared)


def scopes_of(app: FastAPI) -> dict[tuple[str, str], list[str]]:
    """Declared scopes by method and path of every route under /v1 and /v2."""
    found = {}
    for context in iter_route_contexts(app.routes):
        if context.path.startswith(("/v1", "/v2")):
            for method in set(context.methods) - {"HEAD"}:
                found[method, context.path.replace(":path}", "}")] = list(_declared(context))
    return found


def _declared(context) -> Iterator[str]:
    route = context.original_route
    if isinstance(route, APIRoute):
        yield from _checks(route.dependant)
    elif isinstance(route, Route) and isinstance(route.endpoint, Endpoint):
        yield route.endpoint.check.scope


def _checks(dependant: Dependant) -> Iterator[str]:
    for inner in dependant.dependencies:
        if isinstance(inner.call, ScopeCheck):
            yield inner.call.scope
        yield from _checks(inner)


def test_every_route_of_every_back_end_declares_one_scope(back_ends):
    for name, app in back_ends.items():
        declared = scopes_of(app)
        assert declared, name
        assert {route: scopes for route, scopes in declared.items() if len(scopes) != 1} == {}, name


def test_a_straight_way_has_the_scope_of_its_declared_route(back_ends):
    ways = {name: app.state.straight for name, app in back_ends.items() if app.state.straight}
    assert [way.path for way in ways["intent"]] == ["/v1/understand"]
    for name, straight in ways.items():
        declared = scopes_of(back_ends[name])
        for way in straight:
            assert declared[way.method, way.path] == [way.scope], name


def test_every_route_of_the_gateway_declares_one_scope(gateway_settings):
    declared = scopes_of(create_app(gateway_settings()))
    assert len(declared) == len(ROWS) + 2
    assert {route: scopes for route, scopes in declared.items() if len(scopes) != 1} == {}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_forwarded_route_asks_for_the_scope_that_its_back_end_asks_for(back_ends, row):
    declared = scopes_of(back_ends[row.service])
    assert declared[row.method, row.backend_path or row.path] == [row.scope]


def test_what_the_back_ends_offer_is_forwarded_or_internal(back_ends):
    offered = {route for app in back_ends.values() for route in scopes_of(app)}
    forwarded = {(row.method, row.backend_path or row.path) for row in ROWS}
    assert offered - forwarded == INTERNAL
    assert forwarded <= offered


def test_names_of_rows_are_unique():
    names = [row.name for row in (*ROWS, COMPOSED, LAG)]
    assert len(set(names)) == len(names)


def test_a_row_for_people_that_takes_a_body_says_where_it_names_them_or_names_nobody():
    silent = {row.path for row in ROWS if row.for_people and row.body == "json" and not row.people}
    nobody_named = {"/v1/understand", "/v1/products/{product_id}/rating", "/v1/products/{product_id}/eligibility"}
    conversation = "/v1/assist/conversations/{conversation_id}"  # its owner is looked up by the back end
    assert silent == nobody_named | {f"{conversation}/messages", f"{conversation}/hand-off"}
