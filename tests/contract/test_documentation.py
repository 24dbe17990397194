"""The OpenAPI document of the gateway against the gateway over its real back ends, and against itself."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from services.gateway.openapi import document
from services.gateway.routes import COMPOSED, LAG
from services.gateway.table import ROWS

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 4
"""For each operation and each kind of data."""

MODES = [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]


@pytest.fixture(scope="module")
def documented() -> Mapping[str, Any]:
    return document("Kuajie", [COMPOSED, *ROWS, LAG])


@schemathesis.serializer("application/x-ndjson")
def lines(_: Any, value: Any) -> bytes:
    return str(value).encode("utf-8", "replace")


def operations(described: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, item in described["paths"].items()
        for method, operation in item.items()
    ]


def test_every_public_route_is_documented(documented):
    assert {name for name, _ in operations(documented)} == {
        f"{row.method} {row.path}" for row in (COMPOSED, *ROWS, LAG)
    }


def test_every_operation_needs_a_credential_and_names_its_scope(documented):
    assert set(documented["components"]["securitySchemes"]) == {"bearer"}
    for name, operation in operations(documented):
        assert operation["security"] == [{"bearer": []}], name
        assert operation["x-scope"], name


def test_every_error_is_a_problem(documented):
    for name, operation in operations(documented):
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"], (name, status)


def test_bodies_have_the_back_ends_schemas_with_examples(documented):
    schemas = documented["components"]["schemas"]
    for name in (
        "Batch",
        "ItemsIn",
        "CampaignIn",
        "UnderstandRequest",
        "RatingRequest",
        "SuitabilityRequest",
        "RecommendRequest",
    ):
        assert schemas[name]["examples"], name


def test_a_route_that_streams_lines_says_so(documented):
    exported = documented["paths"]["/v1/events/export"]["get"]["responses"]["200"]["content"]
    imported = documented["paths"]["/v1/events/import"]["post"]["requestBody"]["content"]
    assert list(exported) == list(imported) == ["application/x-ndjson"]


def test_what_is_documented_is_what_happens(platform):
    schema = schemathesis.openapi.from_url(f"{platform.url}/openapi.json")
    found = []
    with requests.Session() as session:
        for result in schema.get_all_operations():
            operation = result.ok()
            for mode in MODES:
                found += failures(operation, mode, platform, session)
    assert found == []


def failures(operation, mode, platform, session) -> list[str]:
    """What went against the document, in words; each example is a real request."""

    @seed(1)
    @settings(
        max_examples=EXAMPLES,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case):
        case.call_and_validate(
            base_url=platform.url, session=session, headers=dict(platform.headers), checks=CHECKS, timeout=90
        )

    try:
        run()
    except FailureGroup as group:
        return [
            f"{operation.label} ({mode.value}): {failure.title}: {failure.message[:600]}"
            for failure in group.exceptions
        ]
    return []


def test_the_example_question_is_answered_with_all_sections(platform):
    question = json.loads(json.dumps(COMPOSED.question.model_config["json_schema_extra"]["examples"][0]))
    answer = requests.post(f"{platform.url}/v1/recommend", json=question, headers=platform.headers, timeout=90)
    sections = answer.json()["sections"]
    assert {name: report["status"] for name, report in sections.items()} == dict.fromkeys(sections, "ok")
    assert sections["content"]["reason"] == "unknown_item"
    assert sections["insurance"]["reason"] == "consent_required"
    assert answer.headers["X-Kuajie-Complete"] == "true"


def test_the_page_on_the_api_lists_every_route():
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
    listed = re.findall(r"^\| `([A-Z]+ /v[12][^`]*)` \| `([^`]+)` \| (.+) \|$", page, re.MULTILINE)
    rows = [
        (f"{row.method} {row.path}", row.scope, row.summary + ("" if row.for_people else " (servers only)"))
        for row in (COMPOSED, *ROWS, LAG)
    ]
    assert listed == rows
