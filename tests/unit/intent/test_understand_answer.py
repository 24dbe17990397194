"""The bytes of an answer are what its schema says."""

from services.intent.model import Opinion, Understanding
from services.intent.routes.understand import written
from services.intent.schemas import ModelName, UnderstandingResult, UnderstandResponse
from services.intent.serving.engine import Answered

SAID = Understanding("insurance.buy", 0.9312, True, "neutral", ("critical-illness",), 0.9, Opinion("product", 0.8, 0.1))


def test_an_answer_has_all_of_its_schema_and_nothing_else() -> None:
    result = UnderstandingResult(
        label=SAID.label,
        confidence=SAID.confidence,
        in_scope=SAID.in_scope,
        sentiment=SAID.sentiment,
        topics=list(SAID.topics),
        purchase=SAID.purchase,
    )
    declared = UnderstandResponse(results=[result, result], model=ModelName(name="intent", version="1"))
    assert written(Answered("intent", "1", [SAID, SAID])) == declared.model_dump_json().encode()
