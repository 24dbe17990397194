"""Which purchase: order numbers, quoted titles, or a short text that can be a title."""

import re

from services.intent.assist.reading import demands_word, folded, is_question, says_how_long

LONGEST = 500
LONGEST_TITLE = 80
_MASK = re.compile(r"\[(?:id|card|phone)\]")
_REFUND = re.compile(
    r"(?:那|退款|退钱|退费|退课|退|我|老子|要|想|就|是|请|帮|给|快|赶快|尽快|赶紧|马上|立刻|直接|必须|确认|说了|你|倒|到底|呀|嘛|你们|的|了|吧|啊|一下|这个|多|把|课|refund(?:ed)?|money|back"
    r"|it|i|want|need|my|me|then|the|this|please|pls|plz|get|give|for|just|to|okay|ok|so|now|a|\W)++"
)
"""The wish for a refund said once more: no title."""
_NAMES_REFUND = re.compile(r"^(?!.*多).*(?:退|refund|money)")
_WISHED = re.compile(
    r"(?:那|好|ok|okay)?[\s，,]*(?:(?:我们?|请|麻烦您?|帮我?|给我|想|要|就|i (?:want|need|would like) to|please|pls|plz|can you)\s*)*+"
    r"(?:(?:退款|退掉|退一下)(?:的?是)?|退(?:的是)?(?=[这那我昨今前上《“])|(?:get a )?refund(?: me)?(?: for)?(?![a-z]))\s*",
    re.IGNORECASE,
)
_OTHER_WISH = re.compile(
    r"请|麻烦|帮[我忙]|给我|我[想要]|算了|换(?:一?[门个节堂]|课|成)"
    r"|(?:please|pls|plz|help me|i (?:want|need|would like)|i'?d like|cancel|turn off|switch off|stop|show me|exchange|swap)(?![a-z])",
    re.IGNORECASE,
)
"""Behind the question for an order: the wish for its refund is taken from before a title, another wish is none."""
_NO_ORDER = re.compile(
    r"(?:我|也|都|还|真的?|已经|早就?)*(?:不知道|不记得|记不[得清]|忘记?|找不[到着]|查不到|没有|没)了?(?:[那这]个?)?"
    r"(?:订单|单|编|课程?)?(?:号码?|编号|名称?|名字|是什么|是多少)?了?"
    r"|(?:我的?)?(?:订单|单|编|课程?)(?:号码?|名称?|名字)?(?:我|也|都)*(?:不知道|不记得|记不[得清]|忘记?|找不[到着]|查不到|没有|没)了?"
    r"|(?:我|也|都|真)*(?:不(?:知道|清楚|记得)|忘记?了)(?!的).{0,12}"
    r"|(?:你们?|您)(?:自己|去|给我|帮我|来|那边|系统|后台|能)+(?:查|找|看)(?!不|过).{0,10}|(?:你们?|您)?查(?:查|一?下)(?:看|我)?.{0,8}"
    r"|(?:i |sorry |'ve |have )*(?:do not|don'?t|can'?t|cannot|could not|couldn't) (?:know|have|find|remember|see)(?: .{0,24})?"
    r"|(?:just |please |can you |you )*(?:check|look (?:at|up|in|into)|look it up|see)(?: in| on)?"
    r"(?: (?:my|the|your) (?:account|orders?|history|system|records?).{0,16}| yourself)?"
    r"|(?:it'?s |its )?(?:on|in|under) my (?:account|phone|e-?mail|profile).{0,12}"
    r"|(?:i |'ve |have )*(?:forgot|lost)(?:ten)?(?: (?:it|the|my|order|number|title|id))*"
)
"""That there is no number at hand, in whatever way it is said."""
_ORDER = re.compile(r"(?<![a-z0-9])(?=(?:[a-z-]*\d){3})[a-z0-9][a-z0-9-]{5,39}(?![a-z0-9])")
_TITLE = re.compile(r"《([^》]{1,80})》|“([^”]{1,80})”|\"([^\"]{1,80})\"")
_AND = r"\s*(?:[、,，&]|和|跟|以及|还有|(?<![a-z])and(?![a-z]))\s*"
_TITLES = re.compile(rf"(?:{_TITLE.pattern})(?:(?:{_AND})?(?:{_TITLE.pattern}))*")
_ORDERS = re.compile(rf"{_ORDER.pattern}(?:{_AND}{_ORDER.pattern})*")
_EITHER = re.compile(rf"{_TITLES.pattern}|{_ORDERS.pattern}", re.IGNORECASE)
_DAY = re.compile(r"20\d\d-\d\d?-\d\d?")
_INSTEAD = re.compile(r"改成|改为|换成")
_ONLY_ORDER = re.compile(
    rf"(?:应该|退的|要退的)?(?:是|it'?s|it is|it was|is|was|i meant)?\s*"
    rf"(?:{_TITLE.pattern}|(?=(?:\D*\d){{4}}){_ORDER.pattern})[\s。.!！吧]*"
)


def order(text: str, *, bare: bool) -> str | None:
    """Order numbers, quoted titles, or with `bare` a short text that can be a title: no question, no mask, no wish for a refund."""
    wanted = _INSTEAD.split(text)[-1]
    if (titles := _TITLES.search(wanted)) is not None:
        return "、".join(next(filter(None, each.groups())) for each in _TITLE.finditer(titles[0]))[:LONGEST]
    if (orders := _ORDERS.search(folded(wanted))) is not None:
        first, *more = (each[0].upper() for each in _ORDER.finditer(orders[0]))
        return ", ".join([first, *(each for each in more if not _DAY.fullmatch(each))])[:LONGEST]
    plain = _bare_title(text)
    if not bare or not 2 <= len(plain) <= LONGEST_TITLE or _MASK.search(plain):
        return None
    if is_question(plain) or demands_word(plain):
        return None
    return None if wishes_refund(plain) else plain


def wishes_refund(text: str) -> bool:
    """Whether a text is the wish for a refund, and nothing else."""
    return _REFUND.fullmatch(folded(text)) is not None


def insists_on_refund(text: str) -> bool:
    """Whether it names the refund too: 我要 and 把多的退给我 do not say that all is to be given back."""
    heard = folded(text)
    return wishes_refund(heard) and _NAMES_REFUND.search(heard) is not None


_OF_POLICY = re.compile(r"退保|保单|(?<![a-z])(?:my|the|insurance) policy(?![a-z])", re.IGNORECASE)
"""What is given back there is no purchase of content."""
_HESITATES = re.compile(
    r"(?:(?:等等|等一下|等下|不对|哦不|不是|算了|还是|no|wait|hold on|actually|sorry|oh|hmm)(?![a-z])[\s,，.。…!！]*)+",
    re.IGNORECASE,
)


def _bare_title(text: str) -> str:
    """A text as a title; "" for a wish for something else, whatever hesitation is before it."""
    said = text.strip()
    if (hesitates := _HESITATES.match(said)) and _OTHER_WISH.match(said[hesitates.end() :]):
        return ""
    wished = _WISHED.match(said)
    title = said[wished.end() :].strip() if wished else said
    return "" if _OTHER_WISH.match(title) or _OF_POLICY.search(title) or says_how_long(title) else title


def without_orders(text: str) -> str:
    """What a text says beside quoted titles and numbers."""
    return _EITHER.sub(" ", text).strip()


def is_only_an_order(text: str) -> bool:
    """Whether a text names one purchase and says nothing else: 是《投资学》, A20261129. A number has four digits at least."""
    return _ONLY_ORDER.fullmatch(text) is not None


def has_none(text: str) -> bool:
    """Whether somebody says that no number is at hand."""
    return _NO_ORDER.fullmatch(folded(text).rstrip(" 。.!！,")) is not None


def as_written(value: str, text: str) -> str:
    """Words that were read from the folded text, in the letters of the text itself where they stand there."""
    if (at := text.lower().find(value.lower())) < 0 or len(text.lower()) != len(text):
        return value
    return text[at : at + len(value)] if not _ORDER.fullmatch(value.lower()) else value
