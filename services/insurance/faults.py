"""Errors of this service that a caller can be told, with their own codes."""

from collections.abc import Sequence

from services.insurance.inputs import InputProblem
from services.kit.errors import Conflict, InvalidInput, NotFound


class ProductNotFound(NotFound):
    code = "product_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such product, or no such version of it.")


class VersionImmutable(Conflict):
    """A version that has been live never changes."""

    code = "product_version_immutable"


class QuestionnaireOutdated(Conflict):
    """The answers belong to other questions than those of now."""

    code = "questionnaire_outdated"


class NotRateable(InvalidInput):
    """Valid inputs that the product's tables have no price for."""

    code = "not_rateable"


def invalid_fields(prefix: str, problems: Sequence[InputProblem]) -> InvalidInput:
    """Problems of inputs or answers as one 422 that names the first and lists them all."""
    errors = [
        {"param": f"{prefix}.{each.name}" if each.name else prefix, "code": each.code, "detail": each.detail}
        for each in problems[:20]
    ]
    return InvalidInput(errors[0]["detail"], param=errors[0]["param"], errors=errors)
