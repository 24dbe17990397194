"""What tests read of a composed call."""

from services.gateway.answer import Explained, answer_of
from services.gateway.schemas import SECTIONS, RecommendRequest

QUESTION = RecommendRequest(user_id="u1", message="m")


def statuses(composed):
    return {name: getattr(composed, name).status for name in SECTIONS}


def reasons(composed):
    return {name: section.reason for name, section in Explained.of(composed).each()}


def answer(composed):
    return answer_of(composed, Explained.of(composed), QUESTION, "req_1")


def failing(error):
    async def fail():
        raise error

    return fail
