"""Documents as a test sends them, and what is said of each."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=5)
NEWS = "岚榈财险拖了半年不理赔,报案之后一再拒赔,几十位投保人等不到赔付,真的是太失望了"


def document(name: str, text: str = NEWS, *, at: datetime = HOUR, **more: Any) -> dict[str, Any]:
    return {"document_id": name, "text": text, "published_at": at.isoformat(), **more}


async def send(client: httpx.AsyncClient, *documents: object) -> dict[str, Any]:
    answer = await client.post("/v1/monitor/documents", json={"documents": list(documents)})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def statuses(answer: dict[str, Any]) -> list[str]:
    return [each["status"] for each in answer["results"]]
