"""How many prices one core makes: pure ratings, and ratings with their inputs checked against the product's schema.

    python -m bench.rating [--seconds 2]

Prints one JSON line. Budget: at least 2,000 ratings a second and core, the calculation written down each time.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable
from datetime import date
from typing import Any

from services.insurance.definition_files import shipped
from services.insurance.product import Product, prepare

DAY = date(2026, 6, 1)
BUDGET_PER_SECOND = 2_000
BIRTH_DATES = ("1958-03-01", "1992-05-17")


def cases() -> list[tuple[Product, dict[str, Any]]]:
    """Every shipped product with its assumed inputs and, where one is asked for, a birth date that it accepts."""
    products = [prepare(file.definition, file.document, file.checksum) for file in shipped()]
    return [(product, _inputs(product)) for product in products]


def _inputs(product: Product) -> dict[str, Any]:
    assumed: dict[str, Any] = dict(product.definition.assumed)
    if "birth_date" in product.inputs.properties:
        assumed["birth_date"] = BIRTH_DATES[0] if product.product_id == "accident-senior" else BIRTH_DATES[1]
    return assumed


def rate(product: Product, inputs: dict[str, Any]) -> None:
    product.price(inputs, DAY)


def check_and_rate(product: Product, inputs: dict[str, Any]) -> None:
    if product.inputs.problems(inputs):
        raise ValueError(product.product_id)
    product.price(inputs, DAY)


def per_second(work: Callable[[Product, dict[str, Any]], None], seconds: float, *, only: str | None = None) -> float:
    """Calls a second on this thread, all products in turn."""
    chosen = [case for case in cases() if only in (None, case[0].product_id)]
    done, begun = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - begun) < seconds:
        for product, inputs in chosen:
            work(product, inputs)
        done += len(chosen)
    return done / elapsed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=2.0)
    seconds: float = parser.parse_args().seconds
    pure = per_second(rate, seconds)
    checked = per_second(check_and_rate, seconds)
    each = {
        product.product_id: round(per_second(rate, seconds / 10, only=product.product_id)) for product, _ in cases()
    }
    print(
        json.dumps(
            {
                "bench": "rating",
                "products": len(each),
                "ratings_per_second_core": round(pure),
                "checked_ratings_per_second_core": round(checked),
                "slowest": min(each, key=lambda name: each[name]),
                "per_product": each,
                "budget_per_second_core": BUDGET_PER_SECOND,
                "within_budget": min(pure, checked) >= BUDGET_PER_SECOND,
                "python": platform.python_version(),
            }
        )
    )


if __name__ == "__main__":
    main()
