"""Product definitions: what ships is sound and pinned, what is unsound is refused with its file and field."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from services.insurance.definition_files import InvalidDefinition, load_definitions, parse_definition, shipped
from services.insurance.product import prepare

Change = Callable[[dict[str, Any]], None]

# The checksum of every version that ships. A version that has been live never changes: what is new gets a new version,
# and a new line here.
PINNED = orjson.loads((Path(__file__).parent / "product_checksums.json").read_bytes())


def test_every_shipped_version_is_what_it_was_when_it_was_published() -> None:
    found = {f"{file.definition.product_id}.v{file.definition.version}": file.checksum for file in shipped()}
    assert found == PINNED


def test_the_range_is_complete() -> None:
    topics = {topic for file in shipped() for topic in file.definition.topics}
    assert topics == {
        "medical", "critical-illness", "accident", "travel", "life", "annuity", "tuition", "device", "instalment", "loan", "fund",
    }  # fmt: skip
    assert {file.definition.kind for file in shipped()} == {"insurance", "loan", "instalment", "wealth"}
    assert len(shipped()) >= 12


def test_every_shipped_product_says_that_it_is_nobodys_real_product() -> None:
    for file in shipped():
        definition = file.definition
        assert definition.illustrative
        assert definition.title["zh-CN"].endswith("（示例）")
        assert definition.title["en"].endswith("(illustrative)")


def test_facts_about_health_are_asked_for_under_the_consent_to_health() -> None:
    with_health = {file.definition.product_id for file in shipped() if "health" in file.definition.consents}
    assert with_health == {"medical-standard", "critical-illness-standard", "term-life-standard"}


def document(product_id: str) -> dict[str, Any]:
    return next(copy.deepcopy(file.document) for file in shipped() if file.definition.product_id == product_id)


def set_at(*path: str | int, to: Any) -> Change:
    def change(document: dict[str, Any]) -> None:
        target: Any = document
        for part in path[:-1]:
            target = target[part]
        target[path[-1]] = to

    return change


def without(*path: str | int) -> Change:
    def change(document: dict[str, Any]) -> None:
        target: Any = document
        for part in path[:-1]:
            target = target[part]
        del target[path[-1]]

    return change


AGE_BANDS = ("rating", "factors", 0, "bands")


@pytest.mark.parametrize(
    ("change", "field", "complaint"),
    [
        (set_at("colour", to="red"), "colour", "Extra inputs"),
        (set_at("kind", to="lottery"), "kind", "Input should be"),
        (set_at("version", to=0), "version", "greater than or equal to 1"),
        (set_at("timezone", to="Mars/Olympus"), "timezone", "not an IANA timezone"),
        (set_at("timezone", to="Europe"), "timezone", "not an IANA timezone"),
        (set_at("effective_to", to="2025-01-01"), "effective_to", "after effective_from"),
        (set_at("effective_from", to="2026-02-30"), "effective_from", "valid date"),
        (without("title", "zh-CN"), "title", "no text in zh-CN"),
        (set_at(*AGE_BANDS, 1, "from", to=51), "rating.premium.factors.0.band", "51 does not follow 49"),
        (set_at(*AGE_BANDS, 1, "from", to=49), "rating.premium.factors.0.band", "49 does not follow 49"),
        (set_at(*AGE_BANDS, 1, "value", to="0.90"), "rating.premium.factors.0.band", "values must be rising"),
        (set_at(*AGE_BANDS, 1, "to", to=63), "rating.factors.0.bands", "age may be 18 to 64"),
        (without("rating", "factors", 0, "monotone"), "rating.factors.0.monotone", "must be rising"),
        (
            set_at("rating", "factors", 0, "bands", 0, "value", to="-1"),
            "rating.premium.factors.0.band",
            "greater than or equal",
        ),
        (set_at("rating", "rounding", "rule", to="half_even"), "rating.premium.rounding.rule", "half_up"),
        (without("rating", "factors", 2, "values", "300000"), "rating.factors.2.values", "no factor for 300000"),
        (set_at("rating", "factors", 2, "values", "1000000", to="0.40"), "rating.factors", "would cost less"),
        (without("rating", "factors", 1, "otherwise"), "rating.factors.1.otherwise", "is needed"),
        (set_at("rating", "method", to="fund"), "rating.fund", "Field required"),
        (set_at("kind", to="wealth"), "rating.method", "does not price"),
        (set_at("consents", to=[]), "consents", "finance is missing"),
        (set_at("health_inputs", to=["occupation"]), "consents", "health is missing"),
        (set_at("inputs", "additionalProperties", to=True), "inputs", "no additional properties"),
        (set_at("inputs", "properties", "sum_insured", "type", to="bogus"), "inputs", "not a JSON Schema"),
        (
            set_at("inputs", "properties", "sum_insured", "type", to="number"),
            "inputs",
            "must be of type string, integer, boolean",
        ),
        (set_at("inputs", "properties", "sum_insured", to=True), "inputs", "must be of type string, integer, boolean"),
        (set_at("inputs", "properties", "sum_insured", "enum", to=["a", 1]), "inputs", "by integers"),
        (
            set_at("inputs", "properties", "occupation", "$ref", to="http://evil.example"),
            "inputs",
            "without references",
        ),
        (
            without("inputs", "properties", "occupation", "x-title"),
            "inputs.properties.occupation.x-title",
            "zh-CN and en",
        ),
        (set_at("inputs", "required", to=["birth_date"]), "inputs.required", "occupation is missing"),
        (set_at("assumed", "sum_insured", to=5), "assumed.sum_insured", "not one of"),
        (set_at("eligibility", 0, "max", to=17), "eligibility.0.age", "max lies below min"),
        (set_at("eligibility", 2, "reason", to="because"), "eligibility.2.reason", "no text"),
        (set_at("documents", 0, "code", to="brochure"), "documents", "key_facts is missing"),
        (without("disclosures", 0), "disclosures", "illustrative-products is missing"),
    ],
)
def test_what_is_unsound_is_refused_with_file_and_field(change: Change, field: str, complaint: str) -> None:
    broken = document("accident-standard")
    change(broken)
    with pytest.raises(InvalidDefinition) as refused:
        parse_definition(broken, "accident-standard.v1.json")
    assert str(refused.value).startswith("accident-standard.v1.json: ")
    assert field in str(refused.value)
    assert complaint in str(refused.value)


def test_a_premium_may_not_differ_by_gender_where_that_is_unlawful() -> None:
    broken = document("term-life-standard")
    broken["jurisdiction"] = "DE"
    with pytest.raises(InvalidDefinition, match=r"rating\.factors\.1\.input: a premium may not differ by gender in DE"):
        parse_definition(broken, "term-life-standard.v1.json")


def test_a_file_must_carry_the_name_of_its_version(tmp_path: Path) -> None:
    (tmp_path / "accident.json").write_bytes(orjson.dumps(document("accident-standard")))
    with pytest.raises(InvalidDefinition, match=r"accident\.json: product_id, version"):
        load_definitions(tmp_path)


def test_a_file_that_is_no_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.v1.json").write_text("{")
    with pytest.raises(InvalidDefinition, match=r"broken\.v1\.json: not JSON"):
        load_definitions(tmp_path)


def test_inputs_at_fault_are_named_and_their_values_are_not_repeated() -> None:
    file = next(file for file in shipped() if file.definition.product_id == "accident-standard")
    schema = prepare(file.definition, file.document, file.checksum).inputs
    problems = schema.problems({"birth_date": "1990-02-30", "sum_insured": 5, "secret": 1})
    assert sorted((problem.name, problem.code) for problem in problems) == [
        ("birth_date", "schema_format"),
        ("occupation", "missing"),
        ("secret", "unknown"),
        ("sum_insured", "schema_enum"),
    ]
    assert not any("1990-02-30" in problem.detail for problem in problems)
