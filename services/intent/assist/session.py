"""What the bot remembers between two messages of one conversation. Pure."""

from dataclasses import dataclass, field, replace
from typing import Any

from services.intent.assist.found import Found
from services.kit.wire import Locale


@dataclass(frozen=True, slots=True)
class FormState:
    """A form under way. `asked` is the slot that the person was asked for, "" while the whole is to be confirmed."""

    name: str
    slots: dict[str, Any] = field(default_factory=dict)
    asked: str = ""
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Wish:
    """A form that was wished for beside another, with the label and the words of the wish."""

    form: str
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Session:
    """`version` is the version of the conversation that this memory belongs to.

    `unsure` and `unanswered` count turns in a row that were not understood, or had no answer. `subject` is the label that was acted on
    last, `kind` the kind of insurance that was spoken of with it, `told` the label whose text was the last answer, "" where it was
    another; `offered` is what the last answer offered to show; `sent` says that a form was confirmed, and none begun since;
    `wish` is the form that begins when the one under way has ended.
    """

    version: int
    locale: Locale
    unsure: int = 0
    unanswered: int = 0
    form: FormState | None = None
    subject: str = ""
    kind: str = ""
    told: str = ""
    offered: Found | None = None
    sent: bool = False
    wish: Wish | None = None

    def settled(self) -> "Session":
        """After a turn that went well."""
        return replace(self, unsure=0, unanswered=0, told="", offered=None)
