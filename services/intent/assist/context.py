"""What a text means behind what was said before it. Pure."""

import re
from dataclasses import replace

from services.intent.assist.reading import folded, is_question, says_how_long
from services.intent.assist.session import Session
from services.intent.assist.turns import Heard

INSURANCE = "insurance."
PRICES = "insurance.quote"
REFUNDS = "content.refund"
_OF_INSURANCE = {"content.price": PRICES, REFUNDS: "insurance.cancel"}
_CONTENT = re.compile(
    r"课|书|音频|视频|会员|订单|专栏|(?<![a-z])(?:course|class|lesson|book|audio|video|member|order|subscription)"
)

_NAMED_REFUND = re.compile(r"退[款课货]|(?<![a-z])refund")
_SENT = re.compile(r"发货|快递|物流|包裹|保单|理赔|[险保贷]|(?<![a-z])(?:deliver|ship|parcel|policy|claim|insur|loan)")
"""What else may be on its way."""


def in_context(session: Session, heard: Heard, text: str, *, on_refund: bool = False) -> Heard:
    """What was heard, as behind a text on insurance: "how much?" asks what that costs, "full refund?" what comes back of it.

    Behind a refund 多久到账 is about that; `on_refund`: the text asks what is asked of refunds.
    """
    if on_refund and session.subject == REFUNDS and not heard.topics and not _SENT.search(folded(text)):
        return heard if speaks_of_content(text) else replace(heard, label=REFUNDS, confidence=1.0, in_scope=True)
    if session.subject and says_how_long(text):
        return replace(heard, label=session.subject, confidence=1.0, in_scope=True)
    meant = _OF_INSURANCE.get(heard.label)
    asks = is_question(text) or (heard.label == REFUNDS and not _NAMED_REFUND.search(folded(text)))
    if meant is None or not session.subject.startswith(INSURANCE) or not asks or heard.topics:
        return heard
    return heard if speaks_of_content(text) else replace(heard, label=meant)


_NAMES = {
    "refund": re.compile(r"退|还[我钱]|(?<![a-z])(?:refund|money|charge|return|give (?:it|this) back)"),
    "quote": re.compile(r"险|保|报价|(?<![a-z])(?:insur|quote|cover|policy|policies|annuit|pension)"),
}


def names_form(form: str, text: str) -> bool:
    """Whether a text names what a form is for: 不是我买 in the middle of a quote is no wish for a refund, whatever a model hears."""
    return form not in _NAMES or _NAMES[form].search(folded(text)) is not None


def speaks_of_content(text: str) -> bool:
    """Whether a text names a course, a book, an order or a membership."""
    return _CONTENT.search(text.lower()) is not None
