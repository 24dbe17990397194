"""What is heard in a text before any model: a wish for a person, words of risk, yes, no and cancel. Pure."""

import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import orjson

from services.intent.assist.reading import CJK, folded, says_how_long

SHIPPED = Path(__file__).parent / "texts"
Risk = Literal["self_harm", "violence", "legal", "media", "fraud", "regulator"]
Reply = Literal["yes", "no", "cancel", "changed_mind", "declined", "skip", "small_talk", "robot", "not_helped"]
RISKS: tuple[Risk, ...] = ("self_harm", "violence", "fraud", "regulator", "legal", "media")
"""The gravest first: a text that holds several is handed over for the first of them."""
_YOUNGER_RISKS = frozenset({"violence"})

_AROUND = re.compile(r"^[\W_]+|[\W_]+$")
_NODS = re.compile("[👍👌✅🆗]\ufe0f?")
_AROUND_PHRASE = re.compile(r"^[^\w*]+|[^\w*]+$")
_BEFORE = re.compile(
    r"^(?:(?:请问|请|麻烦您?|帮我|我要|我想|给我|能不能|可以|那就?|好吧?"
    r"|(?:ok|okay|well|so|hi|hello|please|pls|plz|i want|i need|can i get)(?![a-z]))[\s,，]*)+(?=\S)"
)
_BEHIND = re.compile(r"(?<=\S)\s*(?:吧|啊|呀|呢|吗|嘛|哦|谢谢[您你]?|please|pls|plz|thanks|thank you|now)+$")
"""Courtesies around what somebody says."""


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
    gap = _GAP if re.search(CJK, phrase) else _GAP_OF_WORDS
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
        return self.refund_asked.found(folded(text)) or says_how_long(text)

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
