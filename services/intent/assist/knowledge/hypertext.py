"""HTML inside a document, as its readers see it: help centres are often exported with their tags. Pure."""

import html
import re

_CODE = r"^[ \t]*(?:```[^`\n]*|~~~[^\n]*)$.*?(?:^[ \t]*(?:```|~~~)[^\n]*$|\Z)|`[^`\n]+`"
_FOUND = re.compile(
    rf"(?P<code>{_CODE})"
    r"|(?P<comment><!--.*?(?:-->|\Z))"
    r"|<(?P<unseen>script|style)\b[^<>]*>.*?(?:</(?P=unseen)\s*>|\Z)"
    r"|</?(?P<name>[a-z][a-z0-9]*)(?:\s[^<>]*)?/?>"
    r"|(?P<entity>&(?:#[0-9]{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});)",
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)
_CLOSING = re.compile(r"</([a-z][a-z0-9]*)\s*>", re.IGNORECASE)
_ALONE = frozenset({"br", "hr", "img"})
_LINES = (
    "address", "article", "blockquote", "div", "dl", "dt", "dd", "footer", "header", "main", "ol", "p", "section", "table", "tbody",
    "thead", "tr", "ul", "br", "hr",
)  # fmt: skip
_WITHIN = (
    "a", "abbr", "b", "big", "caption", "center", "cite", "code", "del", "em", "figcaption", "figure", "font", "i", "img", "ins",
    "kbd", "label", "mark", "nav", "q", "s", "small", "span", "strike", "strong", "sub", "sup", "tt", "u",
)  # fmt: skip
_HEADINGS = {f"h{level}": f"\n{'#' * level} " for level in range(1, 7)}
_OPENED = dict.fromkeys(_LINES, "\n") | dict.fromkeys(_WITHIN, "") | _HEADINGS | {"li": "\n- ", "td": "", "th": ""}
_CLOSED = (
    dict.fromkeys(_LINES, "\n")
    | dict.fromkeys(_WITHIN, "")
    | dict.fromkeys(_HEADINGS, "\n")
    | {"li": "", "td": " ", "th": " "}
)
"""What a reader sees of a tag. Those that are not here stay."""


def without_html(text: str) -> str:
    """The text without tags, comments, scripts and styles, entities as their characters; code is left as it is.

    A tag counts where its end stands in the text too, or where it has none: who writes about <table> keeps the word.
    """
    closed = {name.lower() for name in _CLOSING.findall(text)} | _ALONE
    return _FOUND.sub(lambda found: _seen(found, closed), text)


def _seen(found: re.Match[str], closed: set[str]) -> str:
    if found["name"]:
        name, seen = found["name"].lower(), _CLOSED if found[0].startswith("</") else _OPENED
        return seen.get(name, found[0]) if name in closed else found[0]
    if found["entity"]:
        return html.unescape(found[0]).replace("\xa0", " ").replace("\0", "")
    hidden = found["unseen"] or (found["comment"] and found[0].endswith("-->"))
    return "" if hidden else found[0]
