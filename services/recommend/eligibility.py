"""Who a campaign is for: a JSON rule tree, parsed once and interpreted by these few functions, never run as code.

A rule is one of `{"all": [rules]}`, `{"any": [rules]}`, `{"not": rule}` or a check, `{"fact": …, "op": …, "value": …}`.
Truth has three values (Kleene 1938): a fact that is not known makes its check unknown, `not` keeps it unknown, and only
what is known to be true makes a person eligible. So nobody is reached because we know too little about them.
"""

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass

Scalar = str | bool | int | float
Facts = Callable[[str], object]
"""What is known under a dotted name; None when it is not known."""

MAX_DEPTH = 8
MAX_CHECKS = 64
MAX_VALUES = 200
MAX_TEXT = 256

SINGLE_FACTS = frozenset(
    {"segment", "age", "surface", "locale", "known", "intent.label", "intent.topics", "intent.confidence"}
)
FACT_FAMILIES = ("traits.", "interests.", "consents.", "facts.", "features.")

_ORDER: dict[str, Callable[[float, float], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
OPERATORS = ("eq", "ne", *_ORDER, "in", "not_in", "contains", "exists")


class RuleError(ValueError):
    """A rule that cannot be understood. `param` is the path of the part at fault, such as `eligibility.all.1.op`."""

    def __init__(self, param: str, code: str, detail: str) -> None:
        super().__init__(detail)
        self.param = param
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Check:
    """One fact against one value."""

    fact: str
    op: str
    value: Scalar | tuple[Scalar, ...]
    path: str


@dataclass(frozen=True, slots=True)
class Not:
    rule: "Rule"


@dataclass(frozen=True, slots=True)
class All:
    rules: "tuple[Rule, ...]"


@dataclass(frozen=True, slots=True)
class AnyOf:
    rules: "tuple[Rule, ...]"


Rule = Check | Not | All | AnyOf


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether a rule holds (None: not known), and the check that decided it."""

    truth: bool | None
    decided_by: Check | None = None


def parse_rule(tree: object, path: str = "eligibility") -> Rule:
    """The rule in `tree`, as it came out of JSON. Raises RuleError for anything that is not one."""
    rule = _parse(tree, path, depth=1)
    if sum(1 for _ in checks(rule)) > MAX_CHECKS:
        raise RuleError(path, "rule_too_large", f"A rule may have at most {MAX_CHECKS} checks.")
    return rule


def checks(rule: Rule) -> Iterable[Check]:
    """Every check in a rule, in order."""
    match rule:
        case Check():
            yield rule
        case Not(inner):
            yield from checks(inner)
        case All(rules) | AnyOf(rules):
            for each in rules:
                yield from checks(each)


def _parse(tree: object, path: str, depth: int) -> Rule:
    if depth > MAX_DEPTH:
        raise RuleError(path, "rule_too_deep", f"A rule may be nested at most {MAX_DEPTH} deep.")
    if not isinstance(tree, dict) or not tree:
        raise RuleError(path, "rule_not_an_object", "A rule is an object with one of: all, any, not, fact.")
    if "fact" in tree:
        return _parse_check(tree, path)
    if len(tree) != 1:
        raise RuleError(path, "rule_ambiguous", "A rule has exactly one of: all, any, not, fact.")
    ((key, inner),) = tree.items()
    match key:
        case "not":
            return Not(_parse(inner, f"{path}.not", depth + 1))
        case "all":
            return All(_parse_list(inner, f"{path}.all", depth))
        case "any":
            return AnyOf(_parse_list(inner, f"{path}.any", depth))
        case _:
            detail = "A rule has exactly one of: all, any, not, fact."
            raise RuleError(f"{path}.{str(key)[:64]}", "rule_unknown_key", detail)


def _parse_list(rules: object, path: str, depth: int) -> tuple[Rule, ...]:
    if not isinstance(rules, list) or not rules:
        raise RuleError(path, "rule_list_required", "A list of at least one rule is required.")
    if len(rules) > MAX_CHECKS:
        raise RuleError(path, "rule_too_large", f"A rule may have at most {MAX_CHECKS} checks.")
    return tuple(_parse(each, f"{path}.{i}", depth + 1) for i, each in enumerate(rules))


def _parse_check(tree: dict[str, object], path: str) -> Check:
    if unknown := next((key for key in tree if key not in {"fact", "op", "value"}), None):
        raise RuleError(f"{path}.{unknown[:64]}", "rule_unknown_key", "A check has fact, op and value.")
    fact, op = tree["fact"], tree.get("op")
    if not isinstance(fact, str) or not _is_fact(fact):
        raise RuleError(f"{path}.fact", "fact_unknown", f"No such fact. Known: {', '.join(_known_facts())}.")
    if not isinstance(op, str) or op not in OPERATORS:
        raise RuleError(f"{path}.op", "operator_unknown", f"No such operator. Known: {', '.join(OPERATORS)}.")
    return Check(fact, op, _parse_value(tree.get("value"), op, f"{path}.value"), path)


def _is_fact(name: str) -> bool:
    if name in SINGLE_FACTS:
        return True
    return len(name) <= MAX_TEXT and any(name.startswith(family) and name != family for family in FACT_FAMILIES)


def _known_facts() -> list[str]:
    return sorted(SINGLE_FACTS) + [f"{family}<name>" for family in FACT_FAMILIES]


def _parse_value(value: object, op: str, path: str) -> Scalar | tuple[Scalar, ...]:
    if op in {"in", "not_in"}:
        if not isinstance(value, list) or not 1 <= len(value) <= MAX_VALUES:
            raise RuleError(path, "value_not_a_list", f"`{op}` takes a list of 1 to {MAX_VALUES} values.")
        return tuple(_scalar(each, f"{path}.{i}") for i, each in enumerate(value))
    if op == "exists" and not isinstance(value, bool):
        raise RuleError(path, "value_not_a_boolean", "`exists` takes true or false.")
    if op in _ORDER and (isinstance(value, bool) or not isinstance(value, int | float | str)):
        raise RuleError(path, "value_not_ordered", f"`{op}` takes a number, or a date as text.")
    return _scalar(value, path)


def _scalar(value: object, path: str) -> Scalar:
    if not isinstance(value, str | bool | int | float) or (isinstance(value, str) and len(value) > MAX_TEXT):
        detail = f"A text of at most {MAX_TEXT} characters, a number or a boolean is required."
        raise RuleError(path, "value_not_a_scalar", detail)
    return value


def evaluate(rule: Rule, facts: Facts) -> Finding:
    """Whether `rule` holds for `facts`, and which check decided."""
    match rule:
        case Check():
            return Finding(_holds(rule, facts(rule.fact)), rule)
        case Not(inner):
            found = evaluate(inner, facts)
            return Finding(None if found.truth is None else not found.truth, found.decided_by)
        case All(rules):
            return _first_of(False, rules, facts)
        case AnyOf(rules):
            return _first_of(True, rules, facts)


def _first_of(decisive: bool, rules: tuple[Rule, ...], facts: Facts) -> Finding:
    """`all` is decided by its first false rule, `any` by its first true one; failing that, by the first unknown one."""
    unknown: Finding | None = None
    found = Finding(not decisive)
    for rule in rules:
        found = evaluate(rule, facts)
        if found.truth is decisive:
            return found
        if found.truth is None and unknown is None:
            unknown = found
    return unknown or Finding(not decisive, found.decided_by)


def _holds(check: Check, known: object) -> bool | None:
    if check.op == "exists":
        return (known is not None) is check.value
    if known is None:
        return None
    if check.op == "contains":
        return check.value in known if isinstance(known, list | tuple | set | frozenset) else None
    if check.op in _ORDER:
        return _compare(_ORDER[check.op], known, check.value)
    if not isinstance(known, str | bool | int | float):
        return None
    wanted = check.value if isinstance(check.value, tuple) else (check.value,)
    found = any(_same(known, each) for each in wanted)
    return found if check.op in {"eq", "in"} else not found


def _same(known: Scalar, wanted: Scalar) -> bool:
    """Equality that keeps 1 and true apart."""
    return isinstance(known, bool) == isinstance(wanted, bool) and known == wanted


def _compare(order: Callable[[float, float], bool], known: object, wanted: object) -> bool | None:
    """Numbers with numbers and texts (ISO 8601 dates sort as text) with texts; anything else cannot be known."""
    if isinstance(known, str) and isinstance(wanted, str):
        return order(known, wanted)  # type: ignore[arg-type]
    if isinstance(known, bool) or not (isinstance(known, int | float) and isinstance(wanted, int | float)):
        return None
    return order(known, wanted)
