"""Public routes of intent: what texts mean."""

from services.gateway.rows import Row
from services.intent.schemas import UnderstandRequest, UnderstandResponse

INTENT = (
    Row(
        method="POST",
        path="/v1/understand",
        service="intent",
        scope="understand",
        summary="What texts mean: intent, sentiment, topics and purchase propensity",
        body="json",
        question=UnderstandRequest,
        answer=UnderstandResponse,
        for_people=True,
    ),
)
