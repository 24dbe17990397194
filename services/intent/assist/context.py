"""What a text means behind what was said before it, and what of a find answers it. Pure."""

import re
from dataclasses import replace

from services.intent.assist.found import Found, Passage
from services.intent.assist.session import Session
from services.intent.assist.turns import Heard
from services.intent.assist.values.places import Names
from services.intent.assist.words import folded, is_question

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


def of_the_price(found: Found | None) -> Found | None:
    """Of what an insurance costs, only a passage that speaks of prices says anything: what it pays at most is no price."""
    if found is None:
        return None
    passages = [each for each in found.passages if _PRICE.search(f"{each.citation.nearest} {each.quote}".lower())]
    return replace(found, passages=passages, near=())


def of_the_kind(found: Found | None, kind: str, kinds: Names) -> Found | None:
    """Of one kind of insurance, a passage says nothing whose heading names another, and which never names it."""
    if found is None or not kind:
        return found

    def is_of_it(passage: Passage) -> bool:
        named = kinds.named(passage.citation.nearest)
        return not named or kind in named | kinds.named(passage.quote)

    return replace(found, passages=[*filter(is_of_it, found.passages)], near=[*filter(is_of_it, found.near)])
