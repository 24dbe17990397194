"""The composed call on the wire: one question, five sections, and how each of them was answered."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from services.insurance.schemas import Offer
from services.kit.wire import DEFAULT_LOCALE, EdgeModel, ExternalId, Locale, MessageModel
from services.recommend.schemas import CampaignCard, ContentItem

SectionName = Literal["profile", "content", "intent", "insurance", "campaign"]
SECTIONS: tuple[SectionName, ...] = ("profile", "content", "intent", "insurance", "campaign")

Status = Literal["ok", "stale", "fallback", "timeout", "error", "shed", "skipped"]

Surface = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]
Message = Annotated[str, StringConstraints(max_length=2000)]

QUESTION = {
    "user_id": "demo-u1",
    "message": "我想买一份重疾险",
    "surface": "course_page",
    "item_id": "demo-497736",
    "locale": "zh-CN",
    "limit": {"content": 10, "insurance": 3},
    "sections": ["profile", "content", "intent", "insurance", "campaign"],
}
