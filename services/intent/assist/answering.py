"""What of a find answers what was asked: a passage that shares its words may be on another insurance, or on another wish. Pure."""

import re
from dataclasses import replace

from services.intent.assist.found import Found, Passage
from services.intent.assist.reading import folded
from services.intent.assist.values.places import Names

_PRICE = re.compile(
    r"保费|价格|多少钱|费率|报价|[每一][年月天](?:只要|只需|约|大约|仅)?\s*\d[\d,.]*\s*元|\d\s*元?\s*[/／][年月天]"
    r"|premium|price|how much|(?:per|an?) (?:year|month|day)(?![a-z])"
)
_NO_PRICE = re.compile(r"免赔|保额|赔付|最高|(?<![a-z])(?:deductible|excess|sum insured|limit|at most|up to)(?![a-z])")
"""What is paid or not paid in a year is no price, whatever unit stands behind it."""

_WISHES = (
    (
        re.compile(
            r"[填写开买选输弄搞打认登记]错|(?:抬头|名字|姓名|号码?|地址|金额|日期|税号).{0,4}(?:不对|有误|错)"
            r"|(?<![a-z])(?:wrong|mistake|incorrect|misspel\w+|typo)(?![a-z])"
        ),
        re.compile(
            r"错|不对|有误|修改|更正|改[成为]|更改|变更|重[开填新]|作废|红冲|换开|换货|退换"
            r"|(?<![a-z])(?:wrong|mistake|incorrect|correct\w*|chang\w+|amend\w*|replac\w+|reissu\w+|exchang\w+|edit\w*)(?![a-z])"
        ),
    ),
    (
        re.compile(
            r"[保险].{0,6}(?:退[了掉]|不要了|停[了掉])|退保"
            r"|(?:cancel|surrender|end|terminate) (?:my|the|this) (?:[a-z]+ ){0,3}(?:policy|cover|insurance)"
        ),
        re.compile(
            r"退保|解约|解除|取消|停保|终止|犹豫期|现金价值"
            r"|(?<![a-z])(?:cancel\w*|surrender\w*|terminat\w+|cooling|cash value)(?![a-z])"
        ),
    ),
    (
        re.compile(r"权限|没有?授权|(?<![a-z])(?:permission|access denied|not authori[sz]ed|forbidden)(?![a-z])"),
        re.compile(r"权限.{0,6}(?:不足|没有|不够|报错|提示)|(?:没有|无|开通).{0,4}权限|授权|(?<![a-z])(?:permission|denied|authori[sz]\w+)(?![a-z])"),
    ),
    (
        re.compile(r"手续费|收费|费用|(?<![a-z])(?:fees?|charges?)(?![a-z]).{0,12}$|how much (?:is|are|does|do)"),
        re.compile(r"[费元价%]|免费|(?<![a-z])(?:fees?|charges?d?|free|costs?|price\w*|yuan|premium|pays?)(?![a-z])|[¥$£€]"),
    ),
)  # fmt: skip
"""What somebody is after, and what a passage on it speaks of: that something went wrong, to end an insurance, a permission, a cost."""


def of_the_wish(found: Found | None, text: str) -> Found | None:
    """Of what somebody is after, a passage says nothing that never speaks of it: how to get an invoice is not how to correct it.

    It is offered by its heading, where nothing else answers.
    """
    heard = folded(text)
    spoken = [answer for wish, answer in _WISHES if wish.search(heard)]
    if found is None or not spoken:
        return found

    def speaks_of_it(passage: Passage) -> bool:
        said = folded(f"{passage.citation.nearest} {passage.quote}")
        return all(each.search(said) for each in spoken)

    rest = [each for each in found.passages if not speaks_of_it(each)]
    return replace(found, passages=[*filter(speaks_of_it, found.passages)], near=[*rest, *found.near])


def of_the_price(found: Found | None) -> Found | None:
    """Of what an insurance costs, only a passage that speaks of prices says anything: what it pays at most is no price."""
    if found is None:
        return None
    passages = [each for each in found.passages if _is_of_prices(f"{each.citation.nearest} {each.quote}".lower())]
    return replace(found, passages=passages, near=())


def _is_of_prices(said: str) -> bool:
    plain = re.sub(r"(?:per|an?) (?:year|month|day)(?![a-z])", "", said) if _NO_PRICE.search(said) else said
    return _PRICE.search(plain) is not None


def of_the_kind(found: Found | None, kind: str, kinds: Names) -> Found | None:
    """Of one kind of insurance, a passage says nothing whose heading names another, and which never names it."""
    if found is None or not kind:
        return found

    def is_of_it(passage: Passage) -> bool:
        named = kinds.named(passage.citation.nearest)
        return not named or kind in named | kinds.named(passage.quote)

    return replace(found, passages=[*filter(is_of_it, found.passages)], near=[*filter(is_of_it, found.near)])


def of_no_insurance(found: Found | None, text: str, kinds: Names) -> Found | None:
    """Of what is no insurance, a passage says nothing whose heading names one that the text does not."""
    if found is None:
        return None

    def is_on_it(passage: Passage) -> bool:
        return kinds.named(passage.citation.nearest) <= kinds.named(text)

    return replace(found, passages=[*filter(is_on_it, found.passages)], near=[*filter(is_on_it, found.near)])
