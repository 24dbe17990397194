"""What is heard in a text by the model's label and the lists together: whether it counts, and whether it asks for advice. Pure."""

import re
from dataclasses import dataclass

from services.intent.assist.context import REFUNDS, speaks_of_content
from services.intent.assist.masking import says_only_numbers
from services.intent.assist.reading import demands_word, folded, is_question
from services.intent.assist.session import Session
from services.intent.assist.texts import Texts
from services.intent.assist.turns import Heard
from services.intent.assist.words import Reply
from services.intent.labels import PRODUCT_TOPICS

SURE_FROM = {"keyword": 0.15}
SURE_FROM_OTHERWISE = 0.45
"""By model. On `tests/data` the trained one acts on 99 % of what is in scope and is right in 98 % of it; the keyword model, which is
too modest, on 91 % and is right in 97 %."""

INVESTS = "invest.advice"
SMALL_TALK = frozenset({"greeting", "thanks_bye", "feedback.praise"})
_FINANCE = ("insurance.", "invest.", "loan.", "instalment.")
_BARE: tuple[Reply, ...] = ("yes", "no", "declined", "skip")
_COVER = re.compile(r"保额|保险|(?<![a-z])(?:insurance|cover(?:age)?)(?![a-z])")

_EXPECTS_YES = re.compile(r"(?:[吧哈]|(?<![a-z])(?:right|correct|yes))\W*$")


@dataclass(frozen=True, slots=True)
class Hearing:
    """`sure_from` is the confidence from which a label is acted on, by default that of the model."""

    texts: Texts
    sure_from: float | None = None

    def sure(self, heard: Heard, text: str) -> bool:
        """Whether the label is acted on.

        One that no text is approved for, of a model with labels of its own, never is; nor what a model takes [phone] alone for, or
        yes, no and cancel where nothing was asked.
        """
        bare = any(self.texts.words.says(reply, text) for reply in _BARE)
        digits = any(char.isdigit() for char in text) and not any(char.isalpha() for char in text)
        if digits or says_only_numbers(text) or (bare and heard.label not in SMALL_TALK):
            return False
        name = heard.model.partition("/")[0]
        threshold = SURE_FROM.get(name, SURE_FROM_OTHERWISE) if self.sure_from is None else self.sure_from
        return heard.label in self.texts.labels and heard.in_scope and heard.confidence >= threshold

    def asks_about_refund(self, heard: Heard, text: str) -> bool:
        return heard.label == REFUNDS and self.texts.words.asks_about_refund(text)

    def asks_advice(self, session: Session, heard: Heard, text: str) -> bool:
        """Advice on money: asked for as such, or "which one" about an insurance, a loan or an investment.

        "Which one" is about what was spoken of before where it names nothing else.
        """
        if self.sure(heard, text) and heard.label == INVESTS:
            return True
        return self.texts.words.asks_advice(text) and _is_about_money(session, heard, text)

    def asks_promise(self, session: Session, heard: Heard, text: str) -> bool:
        """Whether somebody wants to hear that something is sure to be insured, paid or earned: 肯定能过核保吧."""
        wanted = demands_word(text) or is_question(text) or _EXPECTS_YES.search(folded(text)) is not None
        return wanted and self.texts.words.asks_promise(text) and _is_about_money(session, heard, text)


def _is_about_money(session: Session, heard: Heard, text: str) -> bool:
    """About an insurance, a loan or an investment; of what was spoken of before, where the text names nothing else."""
    about_money = heard.label.startswith(_FINANCE) or bool(set(heard.topics) & set(PRODUCT_TOPICS) - {"travel"})
    about_money |= _COVER.search(folded(text)) is not None and not speaks_of_content(text)
    return about_money or (session.subject.startswith(_FINANCE) and not heard.topics)
