"""A text as it is read, whatever the lists say: as it is compared, its language, whether it asks, greets or tells a time. Pure."""

import re
import unicodedata

from services.intent.characters import simplified
from services.kit.wire import Locale

CJK = r"[\u3400-\u9fff]"
_BETWEEN_CJK = re.compile(rf"(?<={CJK})\s+(?={CJK})")
_INVISIBLE = re.compile(r"[\u200b-\u200f\u2060\ufeff\ufe0f]")


def folded(text: str) -> str:
    """A text as it is compared: NFKC, simplified, lower case, no invisible characters, no blanks between Chinese characters."""
    plain = _INVISIBLE.sub("", simplified(unicodedata.normalize("NFKC", text))).lower().replace("’", "'")
    return _BETWEEN_CJK.sub("", " ".join(plain.split()))


_QUESTION = re.compile(
    r"[?？]|吗|呢|(?<!什)么(?!多)|多久|多少|多长时间|几天|几个|几次|几岁|(?<!没)(?<!没有)(?:啥|什么)|怎么|怎样|如何|哪|咋|干嘛|为何|何时|可不可以|可否|是否"
    rf"|(?P<verb>(?![不动时]){CJK})[不没](?P=verb)|[能行好]不$|可以不$|(?:[能行好要]|会(?!员)|可以)[^\W不没]{{1,12}}不$|了没有?$"
    r"|^(?:how|when|what|which|where|who|why|can|could|do|does|did|is|are|will|would|should|may)(?:'?s)?(?![a-z])"
    r"|(?<![a-z])(?:how long|how much|how many|how do|do you|does it|can i|what if|what about|what is|what's|why do|is there)(?![a-z])"
)
"""Chinese asks by 会不会 and 到账了没 too."""


def is_question(text: str) -> bool:
    """Whether a text asks, by its words as much as by its mark."""
    return _QUESTION.search(folded(text)) is not None


_GREETING = re.compile(
    r"^\s*(?:你好|您好|哈[喽罗]|在吗|有人吗|亲|(?:hi|hello|hey|good (?:morning|afternoon|evening))(?: there)?(?![a-z]))[啊呀哦]?"
    r"[\s,，。.!！?？~～]+(?=\S{4}|\S+\s+\S)",
    re.IGNORECASE,
)


def without_greeting(text: str) -> str:
    """A text without the greeting before what it says."""
    return _GREETING.sub("", text)


_SO_LONG = re.compile(
    r"(?:都|已经|等了|快|有)*(?:[\d一二两三四五六七八九十几半]+个?(?:多)?(?:天|周|星期|月|小时|礼拜))(?:多|都|过去)*了?"
    r"|(?:it'?s |it has |has |been |already |over |more than |about |almost |for )*(?:\d+|a|one|two|three|four|five|six|seven|ten)"
    r" (?:days?|weeks?|months?|hours?)(?: (?:now|already|ago))?"
)
"""How long somebody has waited."""


def says_how_long(text: str) -> bool:
    """Whether a text says how long somebody has waited, and nothing else: 三天了, it's been two weeks."""
    return _SO_LONG.fullmatch(folded(text).strip(" ,.。!！?？")) is not None


_LATIN_WORD = re.compile(
    r"(?<![A-Za-z0-9\[])(?!(?i:ok|okay|yes|no|vip|app|pdf|id|wtf|omg|lol|thx|tks|btw|emm+)\b)[A-Za-z]{2,}(?![A-Za-z0-9])"
)
"""No mask, no order number, and none of the few words that people write in Chinese too."""


def language(text: str, otherwise: Locale) -> Locale:
    """The language of a text: Chinese when it has Chinese characters, English when it has English words."""
    if re.search(CJK, text):
        return "zh-CN"
    return "en" if _LATIN_WORD.search(text) else otherwise


_DEMANDS = re.compile(
    r"(?:请|给我|跟我|向我|对我|必须|你要|你得|说一?[声句]?|写个?).{0,6}(?:保证|承诺|打包票)"
    r"|^(?:just |please |then )*(?:promise|guarantee|assure)(?: me| that| it)"
    r"|(?<![a-z])(?:say|write|confirm|tell me|i want you to|you must|you have to) .{0,24}(?:promise|guarantee|definitely|for sure)"
)
"""请保证一定赔, promise me that it pays."""


def demands_word(text: str) -> bool:
    """Whether somebody wants to be given one's word for something."""
    return _DEMANDS.search(folded(text)) is not None
