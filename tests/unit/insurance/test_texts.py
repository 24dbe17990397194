"""Every code that the service can say has a text in both languages."""

import re
from pathlib import Path

import orjson
import pytest

from services.insurance.definition_files import shipped
from services.insurance.offer_answers import ALWAYS_DISCLOSED
from services.insurance.questionnaire import current_rules
from services.insurance.ranking import TOPICS_OF_DOMAIN
from services.insurance.texts import disclosures, has_text, say, subject

FOLDER = Path(__file__).parents[3] / "services" / "insurance"
SOURCES = ("eligibility.py", "suitability.py", "ranking.py", "offering.py", "offer_answers.py")


def codes_in_the_source() -> set[str]:
    """Literals that stand where a finding's code stands, among the pure modules."""
    text = "\n".join((FOLDER / name).read_text() for name in SOURCES)
    found = re.findall(r'Finding\("\w+", f?"([a-z_0-9]+)', text)
    found += re.findall(r'yield "([a-z_0-9]+)", ', text)
    found += re.findall(r'\(f?"([a-z_]+)(?::[^"]*)?", (?:[A-Z_]+|int\(|_affordability)', text)
    return set(found)


def test_every_reason_code_has_its_text() -> None:
    codes = codes_in_the_source()
    assert {"region_not_served", "premium_above_cap", "asked_for", "subject_to_underwriting", "under_18"} <= codes
    assert [code for code in sorted(codes) if not has_text(code)] == []


@pytest.mark.parametrize("name", ["reasons", "subjects"])
def test_every_text_is_in_both_languages(name: str) -> None:
    texts = orjson.loads((FOLDER / "texts" / f"{name}.json").read_bytes())
    assert [code for code, text in texts.items() if set(text) != {"zh-CN", "en"} or not all(text.values())] == []


def test_topics_needs_and_domains_have_a_word() -> None:
    topics = {topic for file in shipped() for topic in file.definition.topics}
    needs = {need for file in shipped() for need in file.definition.suitability.needs}
    names = topics | needs | set(TOPICS_OF_DOMAIN)
    assert [name for name in sorted(names) if subject(name, "zh-CN") == name] == []


def test_a_code_speaks_of_its_subject() -> None:
    assert say("missing_fact:birth_date", "en") == "Not known: birth date"
    assert say("missing_fact:birth_date", "zh-CN") == "缺少信息：出生日期"


def test_disclosures_stand_behind_every_code_that_offers_and_products_use() -> None:
    known = {each.code for each in disclosures("en")}
    used = {each.code for file in shipped() for each in file.definition.disclosures}
    assert used | set(ALWAYS_DISCLOSED) <= known


def test_the_disclosure_from_65_says_the_numbers_of_the_rules() -> None:
    parameters = current_rules().parameters
    [text] = [each.text for each in disclosures("en") if each.code == "senior-protection"]
    assert f"capped at {int(parameters.premium_share_cap_senior * 100)} %" in text
    assert f"R{parameters.risk_cap_senior}" in text
    assert parameters.commitment_years_cap_senior == 5
    assert "five years" in text
