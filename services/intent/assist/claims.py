"""What a text of ours must not hold: a price, a promise, advice. Pure; it judges texts, not what is quoted from a source."""

import re
from typing import Literal

Claim = Literal["price", "promise", "advice"]

_PATTERNS: dict[Claim, re.Pattern[str]] = {
    "price": re.compile(
        r"[¥$€£￥]\s*\d|\d[\d,.]*\s*(?:元|块钱|万元|人民币|rmb|cny|usd|yuan|dollars?|pounds?|euros?)(?![a-z])"
        r"|\d[\d.]*\s*[%％]|(?:保费|费用|价格|年费|利率|收益率)(?:是|为|只要|仅需|约)\s*\d|\b(?:costs?|premium is|price is)\s+\d",
        re.IGNORECASE,
    ),
    "promise": re.compile(
        r"保证(?!金)|承诺|包赔|必赔|一定(?:能|会|可以)|肯定(?:能|会|可以)|百分之百|绝对|保本|稳赚|零风险|无风险|随时可退|全额赔"
        r"|\bguarante|\bwe promise|\bi promise|\bwill (?:definitely|certainly|surely)|\brisk[- ]free|\bno risk"
        r"|\bassured?\b|\b100 ?(?:%|percent)",
        re.IGNORECASE,
    ),
    "advice": re.compile(
        r"(?:建议|推荐)(?:您|你)?(?:购买|买|投保|选择|选|投资|持有|卖出|加仓)|(?:您|你)(?:应该|应当|最好)(?:买|购买|投保|选)"
        r"|(?:更|最)适合(?:您|你)的?是|\byou should (?:buy|choose|take|get|invest|sell|hold)|\b(?:i|we) (?:recommend|suggest|advise) "
        r"|\bthe best (?:one|choice|product|policy) (?:for you )?is",
        re.IGNORECASE,
    ),
}


def claims(text: str) -> list[Claim]:
    """The kinds of claim that a text makes, in a fixed order."""
    return [kind for kind, pattern in _PATTERNS.items() if pattern.search(text)]
