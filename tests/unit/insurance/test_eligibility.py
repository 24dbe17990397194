"""Eligibility: a verdict and a code for every reason."""

from datetime import date

from services.insurance.eligibility import AgeRule, Eligibility, EndAgeRule, Facts, RegionRule, ValuesRule, assess

DAY = date(2026, 6, 1)
RULES = (
    AgeRule(18, 60),
    EndAgeRule("term_years", 75),
    RegionRule(("CN",), ("CN-HK",), "eligible"),
    ValuesRule("occupation", frozenset({"miner"}), "occupation_excluded", "ineligible", "referred"),
    ValuesRule("pre_existing", frozenset({"true"}), "pre_existing_condition", "referred", "eligible"),
)
SOUND: Facts = {"birth_date": "1990-01-01", "region": "CN-SH", "occupation": "teacher", "pre_existing": False}


def verdict(**changes: str | int | bool | None) -> Eligibility:
    return assess(RULES, {**SOUND, **changes}, DAY)


def test_who_meets_every_rule_is_eligible_without_reasons() -> None:
    assert verdict() == Eligibility("eligible", ())


def test_both_ends_of_the_age_range_are_allowed() -> None:
    assert verdict(birth_date="2008-06-01").verdict == "eligible"
    assert verdict(birth_date="2008-06-02") == Eligibility("ineligible", ("age_below_minimum",))
    assert verdict(birth_date="1965-06-02").verdict == "eligible"
    assert verdict(birth_date="1965-06-01") == Eligibility("ineligible", ("age_above_maximum",))


def test_a_missing_birth_date_leaves_the_verdict_open() -> None:
    assert verdict(birth_date=None) == Eligibility("incomplete", ("missing_fact:birth_date",))


def test_an_unreadable_or_future_birth_date_is_no_age() -> None:
    assert verdict(birth_date="1990-13-01") == Eligibility("ineligible", ("invalid_fact:birth_date",))
    assert verdict(birth_date="2030-01-01") == Eligibility("ineligible", ("invalid_fact:birth_date",))


def test_a_term_may_not_end_beyond_the_highest_age() -> None:
    assert verdict(birth_date="1970-01-01", term_years=20).codes == ("term_ends_above_maximum_age",)
    assert verdict(birth_date="1971-01-01", term_years=20).verdict == "eligible"


def test_a_country_stands_for_its_regions_and_prefixes_are_whole_codes() -> None:
    assert verdict(region="CN").verdict == "eligible"
    assert verdict(region="CNX-1").codes == ("region_not_served",)
    assert verdict(region="CN-HK").codes == ("region_not_served",)
    assert verdict(region=None).verdict == "eligible"


def test_an_unknown_fact_goes_to_the_underwriter_where_the_rule_says_so() -> None:
    assert verdict(occupation=None) == Eligibility("referred", ("missing_fact:occupation",))


def test_the_worst_finding_is_the_verdict_and_all_are_told() -> None:
    found = verdict(occupation="miner", pre_existing=True, birth_date=None)
    assert found == Eligibility(
        "ineligible", ("missing_fact:birth_date", "occupation_excluded", "pre_existing_condition")
    )
