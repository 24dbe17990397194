import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.recommend.eligibility import MAX_CHECKS, MAX_DEPTH, OPERATORS, RuleError, checks, evaluate, parse_rule


def truth(tree, **facts):
    named = {name.replace("__", "."): value for name, value in facts.items()}
    return evaluate(parse_rule(tree), named.get).truth


def check(fact, op, value):
    return {"fact": fact, "op": op, "value": value}


@pytest.mark.parametrize(
    ("op", "value", "known", "expected"),
    [
        ("eq", "active", "active", True),
        ("eq", "active", "inactive", False),
        ("ne", "active", "inactive", True),
        ("eq", True, 1, False),
        ("eq", 1, 1.0, True),
        ("gt", 30, 30, False),
        ("gte", 30, 30, True),
        ("lt", 30, 29.5, True),
        ("lte", 30, 31, False),
        ("gte", "2026-01-01", "2026-02-01", True),
        ("gte", 30, "forty", None),
        ("gt", 0, True, None),
        ("in", ["a", "b"], "b", True),
        ("in", ["a", "b"], "c", False),
        ("not_in", ["a", "b"], "c", True),
        ("contains", "travel", ["travel", "health"], True),
        ("contains", "finance", ["travel"], False),
        ("contains", "travel", "travelling", None),
        ("eq", "travel", ["travel"], None),
        ("exists", True, 0, True),
        ("exists", False, 0, False),
        ("exists", True, None, False),
        ("exists", False, None, True),
        ("eq", "active", None, None),
        ("ne", "active", None, None),
        ("not_in", ["a"], None, None),
    ],
)
def test_a_check_compares_like_with_like(op, value, known, expected):
    assert truth(check("facts.region", op, value), facts__region=known) is expected


YES, NO, UNKNOWN = check("segment", "eq", "x"), check("segment", "ne", "x"), check("age", "gte", 18)


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ({"all": [YES, YES]}, True),
        ({"all": [YES, NO]}, False),
        ({"all": [UNKNOWN, NO]}, False),
        ({"all": [YES, UNKNOWN]}, None),
        ({"any": [NO, YES]}, True),
        ({"any": [UNKNOWN, YES]}, True),
        ({"any": [NO, UNKNOWN]}, None),
        ({"any": [NO, NO]}, False),
        ({"not": YES}, False),
        ({"not": NO}, True),
        ({"not": UNKNOWN}, None),
        ({"not": {"all": [UNKNOWN, NO]}}, True),
    ],
)
def test_combinations_follow_kleene(tree, expected):
    assert truth(tree, segment="x") is expected


@pytest.mark.parametrize(
    ("tree", "path"),
    [
        ({"all": [YES, NO, UNKNOWN]}, "eligibility.all.1"),
        ({"all": [UNKNOWN, YES]}, "eligibility.all.0"),
        ({"any": [NO, {"all": [YES, NO]}]}, "eligibility.any.1.all.1"),
        ({"not": YES}, "eligibility.not"),
    ],
)
def test_the_check_that_decided_is_named(tree, path):
    found = evaluate(parse_rule(tree), {"segment": "x"}.get)
    assert found.truth is not True
    assert found.decided_by.path == path


@pytest.mark.parametrize(
    ("tree", "param", "code"),
    [
        ([], "eligibility", "rule_not_an_object"),
        ({}, "eligibility", "rule_not_an_object"),
        ({"all": YES}, "eligibility.all", "rule_list_required"),
        ({"all": []}, "eligibility.all", "rule_list_required"),
        ({"all": [YES], "any": [YES]}, "eligibility", "rule_ambiguous"),
        ({"every": [YES]}, "eligibility.every", "rule_unknown_key"),
        ({"all": [YES, YES | {"lang": "en"}]}, "eligibility.all.1.lang", "rule_unknown_key"),
        ({"any": [{"not": check("__class__", "eq", 1)}]}, "eligibility.any.0.not.fact", "fact_unknown"),
        (check("traits.", "eq", 1), "eligibility.fact", "fact_unknown"),
        (check("age", "~=", 1), "eligibility.op", "operator_unknown"),
        (check("age", ["eq"], 1), "eligibility.op", "operator_unknown"),
        (check("age", "eq", None), "eligibility.value", "value_not_a_scalar"),
        (check("age", "eq", {"a": 1}), "eligibility.value", "value_not_a_scalar"),
        (check("age", "eq", "x" * 257), "eligibility.value", "value_not_a_scalar"),
        (check("age", "gte", True), "eligibility.value", "value_not_ordered"),
        (check("age", "in", 3), "eligibility.value", "value_not_a_list"),
        (check("age", "in", []), "eligibility.value", "value_not_a_list"),
        (check("age", "in", [1, [2]]), "eligibility.value.1", "value_not_a_scalar"),
        (check("age", "exists", "yes"), "eligibility.value", "value_not_a_boolean"),
    ],
)
def test_what_cannot_be_understood_is_named(tree, param, code):
    with pytest.raises(RuleError) as error:
        parse_rule(tree)
    assert (error.value.param, error.value.code) == (param, code)


def nested(depth):
    return YES if depth == 1 else {"not": nested(depth - 1)}


def test_depth_and_size_have_limits():
    parse_rule(nested(MAX_DEPTH))
    parse_rule({"all": [YES] * MAX_CHECKS})
    with pytest.raises(RuleError) as too_deep:
        parse_rule(nested(MAX_DEPTH + 1))
    with pytest.raises(RuleError) as too_wide:
        parse_rule({"all": [{"any": [YES] * MAX_CHECKS}, YES]})
    assert (too_deep.value.code, too_wide.value.code) == ("rule_too_deep", "rule_too_large")


VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
JSON = st.recursive(VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))
CHECKS = st.builds(
    check, st.sampled_from(["age", "segment", "facts.x"]), st.sampled_from(OPERATORS), VALUES | st.lists(VALUES)
)
TREES = st.recursive(
    CHECKS | JSON,
    lambda inner: st.fixed_dictionaries({"all": st.lists(inner, max_size=3)}) | st.fixed_dictionaries({"not": inner}),
)


@given(TREES, st.dictionaries(st.sampled_from(["age", "segment", "facts.x"]), VALUES | st.lists(VALUES)))
def test_any_json_is_either_refused_with_its_path_or_decided(tree, facts):
    try:
        rule = parse_rule(tree)
    except RuleError as error:
        assert error.param.startswith("eligibility")
        return
    found = evaluate(rule, facts.get)
    assert found.truth in {True, False, None}
    assert found.decided_by in list(checks(rule))
    if not facts:
        assert evaluate(parse_rule({"not": {"not": tree}}), facts.get).truth is found.truth
