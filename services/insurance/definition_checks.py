"""What the parts of a definition must agree on. Each check yields sentences that begin with the field at fault."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from services.insurance.definition_rating import FactorByBand, FactorByValue, FundRates, PremiumRates, RepaymentRates
from services.insurance.definition_rules import AgeRule, ValuesRule
from services.insurance.rating.trace import RatingRefused
from services.insurance.texts import has_text

if TYPE_CHECKING:
    from services.insurance.definition import ProductDefinition

METHOD_OF_KIND = {"insurance": "premium", "loan": "repayment", "instalment": "repayment", "wealth": "fund"}

# Where a premium may differ by gender. The Court of Justice forbade it in the EU (C-236/09, Test-Achats).
GENDER_RATING_LAWFUL = frozenset({"CN", "HK", "SG"})


def problems_of(product: "ProductDefinition") -> Iterator[str]:
    """Everything about a definition that cannot be; nothing when it is sound."""
    yield from _life(product)
    yield from _consents(product)
    yield from _inputs(product)
    yield from _assumptions(product)
    match product.rating:
        case PremiumRates():
            yield from _premium(product, product.rating)
        case RepaymentRates():
            yield from _covers(product, "rating.rates", product.rating.months, product.rating.rates)
        case FundRates():
            yield from _covers(product, "rating.purchase", product.rating.amount, product.rating.purchase)
            yield from _covers(product, "rating.redemption", product.rating.days, product.rating.redemption)


def _life(product: "ProductDefinition") -> Iterator[str]:
    if product.effective_to is not None and product.effective_to <= product.effective_from:
        yield "effective_to: does not lie after effective_from"
    if METHOD_OF_KIND[product.kind] != product.rating.method:
        yield f"rating.method: {product.rating.method} does not price a product of kind {product.kind}"
    if not any(document.code == "key_facts" for document in product.documents):
        yield "documents: key_facts is missing"
    if product.illustrative and not any(each.code == "illustrative-products" for each in product.disclosures):
        yield "disclosures: illustrative-products is missing from an illustrative product"
    if sum(isinstance(rule, AgeRule) for rule in product.eligibility) != 1:
        yield "eligibility: exactly one age rule is needed"
    for position, rule in enumerate(product.eligibility):
        if isinstance(rule, ValuesRule) and not has_text(rule.reason):
            yield f"eligibility.{position}.reason: {rule.reason} has no text for people"


def _consents(product: "ProductDefinition") -> Iterator[str]:
    if "finance" not in product.consents:
        yield "consents: finance is missing"
    if product.health_inputs and "health" not in product.consents:
        yield "consents: health is missing, though health_inputs are asked for"
    for name in product.health_inputs:
        if name not in _properties(product):
            yield f"health_inputs: {name} is not an input"


def _inputs(product: "ProductDefinition") -> Iterator[str]:
    for name, schema in _properties(product).items():
        title = schema.get("x-title")
        if not isinstance(title, dict) or not all(title.get(locale) for locale in ("zh-CN", "en")):
            yield f"inputs.properties.{name}.x-title: must be a text in zh-CN and en"
    needed = set(_rated_inputs(product))
    required = set(product.inputs.get("required", []))  # type: ignore[arg-type]
    for name in sorted(needed - required):
        yield f"inputs.required: {name} is missing, though the rating needs it"


def _rated_inputs(product: "ProductDefinition") -> Iterator[str]:
    rating = product.rating
    match rating:
        case PremiumRates():
            names = [factor.input for factor in rating.factors] + ([rating.base.measure] if rating.base.measure else [])
            yield from ("birth_date" if name == "age" else name for name in names)
        case RepaymentRates():
            yield from (rating.principal, rating.months)
        case FundRates():
            yield from (rating.amount, rating.days)


def _assumptions(product: "ProductDefinition") -> Iterator[str]:
    """With the assumed inputs and a birth date there must be a valid set of inputs: that is what offers are priced with."""
    sample = dict(product.assumed)
    if "birth_date" in _properties(product):
        sample.setdefault("birth_date", "1990-01-01")
    for error in Draft202012Validator(product.inputs).iter_errors(sample):
        field = ".".join(str(part) for part in error.absolute_path)
        yield f"assumed{'.' if field else ''}{field}: {error.message}"


def _premium(product: "ProductDefinition", rating: PremiumRates) -> Iterator[str]:
    codes = [factor.code for factor in rating.factors]
    if len(set(codes)) != len(codes):
        yield "rating.factors: two factors have the same code"
    for position, factor in enumerate(rating.factors):
        where = f"rating.factors.{position}"
        if factor.input == "gender" and product.jurisdiction not in GENDER_RATING_LAWFUL:
            yield f"{where}.input: a premium may not differ by gender in {product.jurisdiction}"
        if isinstance(factor, FactorByBand):
            if factor.input == "age" and factor.monotone != "rising":
                yield f"{where}.monotone: a factor by age must be rising"
            yield from _covers(product, f"{where}.bands", factor.input, factor)
        else:
            yield from _lists(product, where, factor)
    yield from _dearer_with_measure(product, rating)


def _covers(product: "ProductDefinition", where: str, name: str, table: Any) -> Iterator[str]:
    """The bands must reach as far as the age rule and the input's schema allow."""
    lowest, highest = _reach(product, name)
    if lowest is None or highest is None:
        yield f"{where}: the input {name} has no lowest and highest value to be covered"
    elif table.lowest > lowest or table.highest < highest:
        yield f"{where}: covers {table.lowest} to {table.highest}, but {name} may be {lowest} to {highest}"


def _reach(product: "ProductDefinition", name: str) -> tuple[int | None, int | None]:
    if name == "age":
        rule = next((rule for rule in product.eligibility if isinstance(rule, AgeRule)), None)
        return (rule.lowest, rule.highest) if rule else (None, None)
    schema = _properties(product).get(name, {})
    if schema.get("type") != "integer":
        return None, None
    listed = schema.get("enum")
    return (min(listed), max(listed)) if listed else (schema.get("minimum"), schema.get("maximum"))


def _lists(product: "ProductDefinition", where: str, factor: FactorByValue) -> Iterator[str]:
    """Every value that the schema allows needs a factor."""
    schema = _properties(product).get(factor.input)
    if schema is None:
        yield f"{where}.input: {factor.input} is not an input"
        return
    allowed = [True, False] if schema.get("type") == "boolean" else schema.get("enum")
    if allowed is None and factor.otherwise is None:
        yield f"{where}.otherwise: is needed, because the values of {factor.input} are not listed"
    for value in allowed or []:
        written = str(value).lower() if isinstance(value, bool) else str(value)
        if written not in factor.values and factor.otherwise is None:
            yield f"{where}.values: no factor for {written}"


def _dearer_with_measure(product: "ProductDefinition", rating: PremiumRates) -> Iterator[str]:
    """More cover never costs less: a discount for size is only possible over listed sizes, and may not overturn them."""
    measure = rating.base.measure
    discounts = [factor for factor in rating.factors if measure is not None and factor.input == measure]
    if not discounts:
        return
    schema = _properties(product).get(str(measure), {})
    sizes = schema.get("enum")
    if not sizes or schema.get("type") != "integer":
        yield f"inputs.properties.{measure}: must list its sizes, because a factor depends on it"
        return
    try:
        weights = [_weight(size, discounts) for size in sorted(sizes)]
    except RatingRefused:
        return  # A size without a factor: `_covers` or `_lists` says which.
    if any(after < before for before, after in pairwise(weights)):
        yield f"rating.factors: a larger {measure} would cost less than a smaller one"


def _weight(size: int, discounts: list[FactorByBand | FactorByValue]) -> Decimal:
    weight = Decimal(size)
    for factor in discounts:
        weight *= factor.compiled().of({factor.input: size})[1]
    return weight


def _properties(product: "ProductDefinition") -> Mapping[str, Any]:
    properties = product.inputs.get("properties", {})
    return properties if isinstance(properties, dict) else {}
