"""Texts without what tells who wrote them: phone numbers, identity numbers, cards, e-mail addresses, accounts. Pure."""

import re

_MASKS = (
    ("[email]", re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")),
    ("[id]", re.compile(r"(?<![0-9A-Za-z])[1-9]\d{16}[0-9Xx](?![0-9A-Za-z])")),
    ("[number]", re.compile(r"(?<![0-9A-Za-z.,+])\d(?:[ -]?\d){13,18}(?![0-9.,]*\d)")),
    ("[phone]", re.compile(r"(?<![0-9A-Za-z])(?:\+?86[ -]?)?1[3-9]\d(?:[ -]?\d{4}){2}(?!\d)")),
    ("[phone]", re.compile(r"(?<![0-9A-Za-z])(?:\+\d{1,3}[ -]?)?\(?0?\d{2,4}\)?[ -]\d{3,4}[ -]?\d{3,4}(?!\d)")),
    ("[account]", re.compile(r"(?<=微信)(?:号)?[:： 是]*[A-Za-z][\w-]{5,19}")),
    ("[account]", re.compile(r"(?i:(?<=qq)|(?<=wechat))[:： ]*(?=\w*\d)[A-Za-z0-9_-]{5,20}")),
    ("[number]", re.compile(r"(?<![0-9A-Za-z.,])\d(?:[ -]?\d){6,18}(?![0-9.,]*\d)")),
)  # fmt: skip


def masked(text: str) -> str:
    """The text with each of them replaced by its kind in brackets; any other of seven digits or more, dates too, by [number]."""
    for mask, pattern in _MASKS:
        text = pattern.sub(mask, text)
    return text
