"""What a text means behind what was said before it, and what of a find answers it. Pure."""

import re
from dataclasses import replace

from services.intent.assist.found import Found
from services.intent.assist.session import Session
from services.intent.assist.turns import Heard
from services.intent.assist.words import is_question

INSURANCE = "insurance."
PRICES = "insurance.quote"
REFUNDS = "content.refund"
_OF_INSURANCE = {"content.price": PRICES, REFUNDS: "insurance.cancel"}
_CONTENT = re.compile(
    r"课|书|音频|视频|会员|订单|专栏|(?<![a-z])(?:course|class|lesson|book|audio|video|member|order|subscription)"
)
_PRICE = re.compile(
    r"保费|价格|多少钱|费率|报价|[每一][年月天]|[/／][年月天]|premium|price|how much|(?:per|an?) (?:year|month|day)(?![a-z])"
)


def in_context(session: Session, heard: Heard, text: str) -> Heard:
    """What was heard, as behind a text on insurance: "how much?" asks what that costs, "full refund?" what comes back of it."""
    meant = _OF_INSURANCE.get(heard.label)
    if meant is None or not session.subject.startswith(INSURANCE) or not is_question(text) or heard.topics:
        return heard
    return heard if _CONTENT.search(text.lower()) else replace(heard, label=meant)


def of_the_price(found: Found | None) -> Found | None:
    """Of what an insurance costs, only a passage that speaks of prices says anything: what it pays at most is no price."""
    if found is None:
        return None
    passages = [each for each in found.passages if _PRICE.search(f"{each.citation.nearest} {each.quote}".lower())]
    return replace(found, passages=passages, near=())
