"""What is heard in a text before any model: a wish for a person, words of risk, yes, no and cancel. Pure."""

import re
import unicodedata
from codecs import BOM_UTF8
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import orjson

from services.intent.characters import simplified
from services.kit.wire import Locale

SHIPPED = Path(__file__).parent / "texts"
Risk = Literal["self_harm", "violence", "legal", "media", "fraud", "regulator"]
Reply = Literal["yes", "no", "cancel", "changed_mind", "declined", "skip", "small_talk", "robot", "not_helped"]
RISKS: tuple[Risk, ...] = ("self_harm", "violence", "fraud", "regulator", "legal", "media")
"""The gravest first: a text that holds several is handed over for the first of them."""
_YOUNGER_RISKS = frozenset({"violence"})

_CJK = r"[\u3400-\u9fff]"
_BETWEEN_CJK = re.compile(rf"(?<={_CJK})\s+(?={_CJK})")
_INVISIBLE = re.compile(r"[\u200b-\u200f\u2060\ufeff\ufe0f]")
_AROUND = re.compile(r"^[\W_]+|[\W_]+$")
_NODS = re.compile("[👍👌✅🆗]\ufe0f?")
_AROUND_PHRASE = re.compile(r"^[^\w*]+|[^\w*]+$")
_BEFORE = re.compile(
    r"^(?:(?:请问|请|麻烦您?|帮我|我要|我想|给我|能不能|可以|那就?|好吧?"
    r"|(?:ok|okay|well|so|hi|hello|please|pls|plz|i want|i need|can i get)(?![a-z]))[\s,，]*)+(?=\S)"
)
_BEHIND = re.compile(r"(?<=\S)\s*(?:吧|啊|呀|呢|吗|嘛|哦|谢谢[您你]?|please|pls|plz|thanks|thank you|now)+$")
"""Courtesies around what somebody says."""


def folded(text: str) -> str:
    """A text as it is compared: NFKC, simplified, lower case, no invisible characters, no blanks between Chinese characters."""
    plain = _INVISIBLE.sub("", simplified(unicodedata.normalize("NFKC", text))).lower().replace("’", "'")
    return _BETWEEN_CJK.sub("", " ".join(plain.split()))


_QUESTION = re.compile(
    r"[?？]|吗|呢|(?<!什)么(?!多)|多久|多少|多长时间|几天|几个|几次|几岁|(?<!没)(?<!没有)(?:啥|什么)|怎么|怎样|如何|哪|咋|干嘛|为何|何时|可不可以|可否|是否"
    rf"|(?P<verb>(?![不动时]){_CJK})[不没](?P=verb)|[能行好]不$|可以不$|(?:[能行好要]|会(?!员)|可以)[^\W不没]{{1,12}}不$|了没有?$"
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


_LATIN_WORD = re.compile(
    r"(?<![A-Za-z0-9\[])(?!(?i:ok|okay|yes|no|vip|app|pdf|id|wtf|omg|lol|thx|tks|btw|emm+)\b)[A-Za-z]{2,}(?![A-Za-z0-9])"
)
"""No mask, no order number, and none of the few words that people write in Chinese too."""


def language(text: str, otherwise: Locale) -> Locale:
    """The language of a text: Chinese when it has Chinese characters, English when it has English words."""
    if re.search(_CJK, text):
        return "zh-CN"
    return "en" if _LATIN_WORD.search(text) else otherwise


@dataclass(frozen=True, slots=True)
class Phrases:
    """Phrases as one pattern; those of letters and digits hold on word boundaries only.

    `*` in a phrase stands for a few characters of the same clause; an apostrophe may be missing in what people write.
    """

    pattern: re.Pattern[str]

    @classmethod
    def of(cls, phrases: Iterable[str]) -> "Phrases":
        longest_first = sorted({folded(each) for each in phrases}, key=lambda each: (-len(each), each))
        return cls(re.compile("|".join(_bounded(each) for each in longest_first) or r"(?!)"))

    def found(self, text: str) -> bool:
        return self.pattern.search(text) is not None

    def without(self, text: str) -> str:
        """The text with every phrase blotted out."""
        return self.pattern.sub("\0", text)


_GAP = r"[^，。、,.!！?？;；\n\0]{0,10}?"
_GAP_OF_WORDS = _GAP.replace("10", "24")
_APOSTROPHE = "'?"


def _in_a_row(phrases: Iterable[str]) -> re.Pattern[str]:
    """One or several of the phrases and nothing else: 对的,没错. Possessive, so that a long text costs no more than its length."""
    one = Phrases.of(_AROUND_PHRASE.sub("", folded(each)) for each in phrases).pattern.pattern
    return re.compile(rf"(?:{one})(?:[\W_]*+(?:{one}))*+")


def _bounded(phrase: str) -> str:
    start = r"(?<![a-z0-9])" if re.match(r"[a-z0-9]", phrase) else ""
    end = r"(?![a-z0-9])" if re.search(r"[a-z0-9]$", phrase) else ""
    gap = _GAP if re.search(_CJK, phrase) else _GAP_OF_WORDS
    return f"{start}{re.escape(phrase).replace(re.escape('*'), gap).replace(chr(39), _APOSTROPHE)}{end}"


_DECLINED = re.compile(
    r"(?:(?<!要)不要|(?<!用)不用|(?<!想)不想|(?<!必)不必|(?<!需)不需要?|(?<!愿)不愿意?|没想|没有?要|无需|别"
    r"|(?:^|[\s，。,.;；]|先|我|暂时?)不)(?:再|先|就|给|帮|跟|让|我|你们?|去|直接|急着|马上|那么|立刻|现在)*$"
    r"|(?<!why )(?<!if )(?<!if i )(?<!if you )(?<!can i )"
    r"(?:(?<![a-z])(?:(?:don't|do not|dont|not)(?! you)|without|instead of|no need to)"
    r"(?: (?:want|need|wish|have|wanna|to|you|me|be|get|having|talking|speaking|talk|speak|with|like|a|an|the|transfer|connect|call))*"
    r"\s*)$"
)
"""What stands before a wish for a person that is none: 不想转人工, without talking to. 为什么不转人工 and 再不转人工 are wishes."""


_REFUSES = re.compile(r"n't|not|no need")
_LONGEST_OUTBURST = 24
_MOTHERS = re.compile(r"[妈我姑姨舅婶岳后干大俺咱]妈的")
"""What is my mother's is no curse."""
_TOLD_WITHIN = 3
"""Characters from which a word for "skip" is looked for within a text: 无 is in 无锡 too."""


@dataclass(frozen=True, slots=True)
class Words:
    """The lists of `words.json`, ready to be looked for."""

    version: str
    human_whole: frozenset[str]
    human: Phrases
    human_unless: Phrases
    risks: Mapping[Risk, Phrases]
    risk_unless: Phrases
    complaint: Phrases
    complaint_unless: Phrases
    advice: Phrases
    promise: Phrases
    promise_unless: Phrases
    refund_asked: Phrases
    replies: Mapping[Reply, re.Pattern[str]]
    cancel: Phrases
    upset: Phrases
    undecided: Phrases

    def wants_human(self, text: str) -> bool:
        """Whether somebody asks for a person, whatever else the text says."""
        if self.says("robot", text):
            return False
        heard = self.human_unless.without(folded(text))
        wished = (each for each in self.human.pattern.finditer(heard) if not _DECLINED.search(heard[: each.start()]))
        return any(wished) or not self.human_whole.isdisjoint(_uncourteous(heard))

    def declines_human(self, text: str) -> bool:
        """Whether a text speaks of a person and wants none: 不想转人工."""
        heard = folded(text)
        plain = self.human_unless.without(heard)
        declined = any(_DECLINED.search(plain[: each.start()]) for each in self.human.pattern.finditer(plain))
        refused = any(_REFUSES.search(each[0]) for each in self.human_unless.pattern.finditer(heard))
        return (declined or refused) and not self.wants_human(text)

    def is_undecided(self, text: str) -> bool:
        """Whether a text says among other things that something is not known yet: 几十万吧具体没想好."""
        return self.undecided.found(folded(text))

    def sounds_human(self, text: str) -> bool:
        """Whether a text only sounds like the wish for a person: 在哪里找个人中心."""
        heard = folded(text)
        return self.human.found(heard) and self.human_unless.found(heard) and not self.wants_human(text)

    def is_upset(self, text: str) -> bool:
        """Whether a short text is anger and says nothing of its cause: 气死我了, wtf, 😡."""
        heard = _MOTHERS.sub("\0", folded(text))
        return len(heard) <= _LONGEST_OUTBURST and self.upset.found(heard)

    def risk(self, text: str) -> Risk | None:
        """The gravest kind of risk that is spoken of."""
        heard = self.risk_unless.without(folded(text))
        return next((kind for kind in RISKS if self.risks[kind].found(heard)), None)

    def complains(self, text: str) -> bool:
        """Whether somebody says that they want to complain; the model hears other complaints."""
        return self.complaint.found(self.complaint_unless.without(folded(text)))

    def asks_advice(self, text: str) -> bool:
        """Whether somebody asks which one to take; of what, the label and the topics say."""
        return self.advice.found(folded(text))

    def asks_promise(self, text: str) -> bool:
        """Whether somebody wants to hear for certain that something will be so; of what, the label and the topics say."""
        return self.promise.found(self.promise_unless.without(folded(text)))

    def asks_about_refund(self, text: str) -> bool:
        """Whether a text about a refund asks for its rules, its time or how far it is, and wishes for none."""
        return self.refund_asked.found(folded(text))

    def says(self, reply: Reply, text: str) -> bool:
        """Whether the whole text is this reply, said once or more, whatever courtesy is around it."""
        heard, replies = folded(_NODS.sub(" ok ", text)), self.replies[reply]
        return any(replies.fullmatch(each) for each in _uncourteous(heard))

    def calls_off(self, text: str) -> bool:
        """Whether the whole text says that something is called off, whatever of a changed mind it adds: 算了不买了."""
        return self.says("cancel", text) or (self.says("declined", text) and self.cancel.found(folded(text)))

    def asks_something(self, text: str) -> bool:
        """Whether a text has words of its own: a number that was chosen, yes, no, thanks and "that did not help" have none."""
        return any(char.isalpha() for char in text) and not any(self.says(reply, text) for reply in self.replies)


def content_of(path: Path) -> bytes:
    """A file of an operator's, without the byte order mark that an editor may have put before it."""
    return path.read_bytes().removeprefix(BOM_UTF8)


def load_words(folder: Path = SHIPPED) -> Words:
    """Read `words.json`; raises ValueError, KeyError or TypeError when a list is missing or of another shape.

    `complaint`, `complaint_unless`, `changed_mind`, `small_talk`, `robot`, `not_helped`, `refund_asked`, `upset`, `promise`,
    `promise_unless` and the risk `violence` may be missing: they are younger than some folders.
    """
    raw: dict[str, Any] = orjson.loads(content_of(folder / "words.json"))
    human = raw["human"]
    return Words(
        version=raw["version"],
        human_whole=_whole(human["whole"]),
        human=Phrases.of(human["phrases"]),
        human_unless=Phrases.of(human["unless"]),
        risks={
            kind: Phrases.of(raw["risk"].get(kind, ()) if kind in _YOUNGER_RISKS else raw["risk"][kind])
            for kind in RISKS
        },
        risk_unless=Phrases.of(raw["risk_unless"]),
        complaint=Phrases.of(raw.get("complaint", ())),
        complaint_unless=Phrases.of(raw.get("complaint_unless", ())),
        advice=Phrases.of(raw["advice"]),
        promise=Phrases.of(raw.get("promise", ())),
        promise_unless=Phrases.of(raw.get("promise_unless", ())),
        refund_asked=Phrases.of(raw.get("refund_asked", ())),
        replies={
            "yes": _in_a_row(raw["yes"]),
            "no": _in_a_row(raw["no"]),
            "cancel": _in_a_row(raw["cancel"]),
            "declined": _in_a_row([*raw["cancel"], *raw.get("changed_mind", ())]),
            "skip": _in_a_row(raw["skip"]),
            "changed_mind": _in_a_row(raw.get("changed_mind", ())),
            "small_talk": _in_a_row(raw.get("small_talk", ())),
            "robot": _in_a_row(raw.get("robot", ())),
            "not_helped": _in_a_row(raw.get("not_helped", ())),
        },
        cancel=Phrases.of(raw["cancel"]),
        upset=Phrases.of(raw.get("upset", ())),
        undecided=Phrases.of(each for each in raw["skip"] if len(each) >= _TOLD_WITHIN),
    )


def _whole(phrases: Iterable[str]) -> frozenset[str]:
    return frozenset(_bare(folded(each)) for each in phrases)


def _bare(text: str) -> str:
    return _AROUND.sub("", text)


def _uncourteous(text: str) -> set[str]:
    """A text as it is, and without the courtesies before it, behind it, and both: 好的谢谢 is 好的, ok human is human."""
    whole = _bare(text)
    behind = _bare(_BEHIND.sub("", whole))
    return {whole, behind, _bare(_BEFORE.sub("", whole)), _bare(_BEFORE.sub("", behind))}
