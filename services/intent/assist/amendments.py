"""What a text changes of a form under way: a slot that is wrong, one that has another value, one more of something. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from services.intent.assist.reading import folded, is_question
from services.intent.assist.session import FormState
from services.intent.assist.slots import Slots, values_of
from services.intent.assist.texts import FormTexts, Slot
from services.intent.assist.values.orders import as_written, insists_on_refund, is_only_an_order, order

STRICT = ("category", "birth", "region", "amount")
"""Kinds of slots whose values can be nothing else."""
_STOP = r"[\s,，。.…:：;；!！]*"
_HESITATION = rf"(?:(?:等等|等一下|等下|哦|噢|啊|哎呀|wait|oh|oops|hold on)(?![a-z]){_STOP})*"
_CORRECTION = re.compile(
    rf"^(?:等等|等一下|等下|wait|oops|hold on){_STOP}(?:应该是|是|it'?s|its)(?![a-z]){_STOP}"
    rf"|^{_HESITATION}(?:(?:不不+|不对|不是|错了|说错了|更正|改成|改为|改一下|改|换成|算了|还是"
    rf"|no,? no|no|wrong|sorry|actually|i meant|change|rather|instead)(?![a-z]){_STOP}{_HESITATION})+"
)
_HESITATES = re.compile(rf"^{_HESITATION}")
CLAUSES = re.compile(r"(?<!\d),|,(?!\d)|[;。\n]|(?<![a-z])and(?![a-z])")
_CHANGES = re.compile(r"改|换|更正|(?<![a-z])(?:change|should be|instead)(?![a-z])")
_REPLACES = re.compile(
    r"不要|改成|改为|换成|不是|不选|不买|(?<![a-z])not(?![a-z])|(?<![a-z])from .*(?<![a-z])to(?![a-z])"
)
_ANEW = re.compile(r"改|换|更正|[写填说打输]错|单号|(?<![a-z])(?:change|correct|fix|edit|update)(?![a-z])")
_INTO = frozenset({"改成", "改为", "改", "换成"})
_ADDS = re.compile(
    r"再[加来要买退]|也[要想退买来]|还[有要想]|一起|都要|另外|加上|外加"
    r"|(?<![a-z])(?:as well|also|another|plus|both)(?![a-z])|(?<![a-z])too\W*$"
)
_SMALL = re.compile(r"\D{0,8}\d{1,2}[\s。.!！吧]*")

_MOST_CLAUSES = 8
_RELATIVE = re.compile(
    r"老婆|老公|爱人|对象|[爸妈父母]|孩子|儿子|女儿|闺女|(?<![a-z])(?:wife|husband|partner|mum|mom|dad|mother|father|kids?|son|daughter)"
)
_TAKES_BACK = re.compile(
    r"[写填说打输弄搞选]错|撤销|撤回|作废|后悔|(?:刚才|刚刚|上面|前面|之前)(?:的|那个?|提交|登记|申请|报价|退款|我)*.{0,6}(?:取消|撤|改|错|作废|不要)"
    r"|(?:取消|撤回|撤销|修改|改一?下)(?:一下)?(?:刚才|刚刚|上面|前面)"
    r"|(?<![a-z])(?:made a mistake|typo|undo|withdraw|got (?:it|that) wrong"
    r"|(?:cancel|change|correct|undo|withdraw|take back) (?:it|that|what i|(?:the|my) (?:request|quote|refund)))(?![a-z])"
)
"""What is said of a request that was sent: 刚才填错了, cancel that request."""


def takes_back(text: str) -> bool:
    """Whether a text takes back or corrects what was said before."""
    return not is_question(text) and _TAKES_BACK.search(folded(text)) is not None


def behind_no(text: str) -> str:
    """What stands behind "no", "actually" or 不对, as it is compared; "" where none of them stands."""
    heard = folded(text)
    marked = _CORRECTION.match(heard)
    return heard[marked.end() :] if marked else ""


_LET_GO = re.compile(
    r"^(?:(?:呃|嗯|哦|唉|哎|那|还是|oh|ok|okay|well|actually|hmm)(?![a-z])[\s,，.]*)*"
    r"(?:算了(?:吧|算了)*|不用了|不说这个了?|先不说这个了?"
    r"|never ?mind(?: that| it)?|forget (?:about )?(?:it|that|this)|scrap that|leave it)(?![a-z])"
    r"[\s,，.。…:：;；!！~-]*(?=\S)"
)
"""What lets go of the subject, before another one: never mind, where is my invoice."""

_NO_MORE = re.compile(r"不.{0,3}[退办要买报填弄].{0,3}$")


def behind_cancel(text: str) -> str:
    """What stands behind the words that call something off, as it is compared: behind 算了, or behind the first clause."""
    heard = folded(text)
    first, *more = CLAUSES.split(heard, maxsplit=1)
    let_go = _LET_GO.match(heard)
    rest_of_first = let_go is not None and let_go.end() < len(first) and not _NO_MORE.search(first)
    return heard[let_go.end() :] if let_go is not None and (rest_of_first or not more) else next(iter(more), "").strip()


def lets_go(text: str) -> bool:
    """Whether a text lets go of the subject and goes on with something else."""
    return _LET_GO.match(folded(text)) is not None


def wishes_refund_too(text: str) -> bool:
    """Whether a clause of a text is the wish for a refund, whatever the others say."""
    clauses = CLAUSES.split(folded(text))[:_MOST_CLAUSES]
    return any(insists_on_refund(each) and not is_question(each) for each in clauses)


@dataclass(frozen=True, slots=True)
class Amendments:
    """Reads what is to be changed, with what reads the slots."""

    slots: Slots

    def anew(self, form: FormTexts, state: FormState, text: str) -> FormState | None:
        """The state without the slot that a text names as wrong and gives no value for: 年龄不对, change the age.

        The name alone does while the whole is to be confirmed, and 不是北京 does at any time. Where a reason was asked for, 课程不对
        is one: there it takes a word of change, 写错, or the number that is named.
        """
        heard = _HESITATES.sub("", folded(text)).rstrip(" 。.!！吧")
        for slot in form.slots:
            if slot.name not in state.slots:
                continue
            wrong = slot.is_named_as_wrong(heard, alone=not state.asked)
            if wrong and _awaits_words(form, state) and _ANEW.search(heard) is None:
                return None
            if wrong or (not asks(text) and self.slots.declines(slot, state.slots[slot.name], text)):
                return replace(state, slots={name: each for name, each in state.slots.items() if name != slot.name})
        return None

    def corrected(self, form: FormTexts, state: FormState, text: str) -> FormState | None:
        """The state with what a text corrects; None when it corrects nothing.

        Slots that are named take their new values. After "不对" or "no", and while the whole is to be confirmed, values that can only
        be of one slot go there; after "不对" or "no" a bare one goes to the slot that was filled last and can hold it. A question
        changes nothing unless it speaks of a change.
        """
        heard = folded(text)
        marked = _CORRECTION.match(heard)
        rest = heard[marked.end() :] if marked else heard
        if not rest or (asks(text) and not marked and not _CHANGES.search(rest)):
            return None
        named = self._only_order(form, state, rest)
        named |= self._named(form, rest, marked=marked is not None, confirming=not state.asked)
        if any(name in state.slots for name in named):
            free = {slot.name for slot in form.slots if slot.kind in {"words", "order"}}
            written = {name: as_written(each, text) for name, each in named.items() if name in free}
            return all_filled(state, form, self._asked_too(form, state, text) | named | written)
        if state.asked and not marked and not _REPLACES.search(rest):
            return None
        strict = [slot for slot in form.slots if slot.kind not in {"words", "order"}]
        said = {
            name: each
            for name, each in self.slots.volunteered(form, heard).items()
            if name in {slot.name for slot in strict}
        }
        if any(name in state.slots for name in said):
            return all_filled(state, form, said)
        for name in self._likely(state, rest) if marked else ():
            for slot in strict:
                said_of = heard if slot.kind in {"category", "region"} else rest  # 不是北京 without its 不是 is Beijing
                if slot.name == name and (value := self.slots.value(slot, said_of, bare=True)) is not None:
                    return filled(state, slot, value)
        return None

    def _asked_too(self, form: FormTexts, state: FormState, text: str) -> dict[str, Any]:
        """What a text that corrects says beside of the slot that was asked for: 北京，我刚才年龄说错了是36."""
        return {
            name: each
            for name, each in values_of(self.slots.volunteered(form, text), form, *STRICT).items()
            if name == state.asked
        }

    def _likely(self, state: FormState, text: str) -> list[str]:
        """The slots that a bare value may be of, the one that was filled last first; a number of two digits is rather an age."""
        last_first = list(reversed(state.slots))
        return sorted(last_first, key=lambda name: name != "birth") if _SMALL.fullmatch(text) else last_first

    def _only_order(self, form: FormTexts, state: FormState, text: str) -> dict[str, Any]:
        """The order that a text is and nothing else, when another is known: 是《投资学》, A20261129."""
        known = (slot.name for slot in form.slots if slot.kind == "order" and slot.name in state.slots)
        return {name: order(text, bare=False) for name in known if is_only_an_order(text)}

    def _named(self, form: FormTexts, text: str, *, marked: bool, confirming: bool) -> dict[str, Any]:
        """Values behind the names of their slots, in the clause of the name or else in all of the text.

        A title or a reason can be anything, and 课程太难 is a reason: it counts after "不对" or "no", with 改成 between, and with
        是 or "is" between while the whole is to be confirmed.
        """
        found: dict[str, Any] = {}
        for slot in form.slots:
            free = slot.kind in {"words", "order"}
            for part in (*CLAUSES.split(text), text):
                if slot.name in found or (behind := slot.behind_name(part)) is None:
                    continue
                value = self.slots.value(slot, behind[0], bare=True)
                told = marked or behind[1] in _INTO or (confirming and behind[1])
                plainly = slot.kind == "order" and is_only_an_order(behind[0])
                if value is not None and (told or plainly or not free):
                    found[slot.name] = value
        return found

    def one_more(self, form: FormTexts, state: FormState, text: str) -> FormState | None:
        """The state for a text that wants another one besides: an order joins the first, a kind of insurance changes nothing."""
        heard = folded(text)
        if _ADDS.search(heard) is None or _CORRECTION.match(heard) or _REPLACES.search(heard) or asks(text):
            return None
        for slot in form.slots:
            known, said = state.slots.get(slot.name), self.slots.value(slot, text, bare=False)
            if known is None or said is None or said == known:
                continue
            if slot.kind == "order":
                return filled(state, slot, f"{known}, {said}")
            if slot.kind == "category":
                return state
        kinds = [slot for slot in form.slots if slot.kind == "category"]
        return state if kinds and not state.asked and _RELATIVE.search(heard) else None


def _awaits_words(form: FormTexts, state: FormState) -> bool:
    """Whether a reason was asked for: to have changed one's mind is one."""
    return any(slot.name == state.asked and slot.kind == "words" for slot in form.slots)


def asks(text: str) -> bool:
    """Whether a text asks by its words; a mark alone, as in 上海？, is doubt."""
    return is_question(text.rstrip("?？ "))


def all_filled(state: FormState, form: FormTexts, values: Mapping[str, Any]) -> FormState:
    for slot in form.slots:
        if slot.name in values:
            state = filled(state, slot, values[slot.name])
    return state


def filled(state: FormState, slot: Slot, value: Any) -> FormState:
    """The slot as the last one that was filled; a sum without a currency has that of the sum before."""
    before = state.slots.get(slot.name)
    if slot.kind == "amount" and before and value and value["currency"] is None:
        value = {**value, "currency": before["currency"]}
    rest = {name: each for name, each in state.slots.items() if name != slot.name}
    return replace(state, slots={**rest, slot.name: value}, tries=0)
