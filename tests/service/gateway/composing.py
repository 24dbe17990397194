"""The composed call as a test makes it, and where each section comes from."""

QUESTION = {"user_id": "u1", "message": "我想买一份重疾险", "item_id": "c9", "surface": "course_page"}
SECTIONS = {"profile", "content", "intent", "insurance", "campaign"}
OWNER = {
    "profile": "profile",
    "intent": "intent",
    "content": "recommend",
    "campaign": "recommend",
    "insurance": "insurance",
}
PATH = {
    "profile": "/v1/people/u1/snapshot",
    "intent": "/v1/understand",
    "content": "/v1/content",
    "campaign": "/v1/campaign",
    "insurance": "/v1/offers",
}


async def ask(gateway, key, **changes):
    headers = key | changes.pop("headers", {})
    return await gateway.post("/v1/recommend", json=QUESTION | changes, headers=headers)


def statuses(answer):
    return {name: report["status"] for name, report in answer.json()["sections"].items()}
