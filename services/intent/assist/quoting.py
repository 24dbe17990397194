"""Turns that quote: a passage with its source, or the headings of those that come near. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from services.intent.assist.found import Found, Passage
from services.intent.assist.session import Session
from services.intent.assist.texts import TextLink, Texts
from services.intent.assist.turns import Turn

MOST_HEADINGS = 3


def quoted(texts: Texts, session: Session, passage: Passage) -> Turn:
    """The passage, behind the document that it is of."""
    source = passage.citation.source
    text = f"{texts.say('from_knowledge', session.locale, title=source)}\n{passage.quote}"
    quotes = (source, passage.quote)
    return Turn(session.locale, "knowledge", text, session.settled(), quotes=quotes, citations=(passage.citation,))


def headings(texts: Texts, after: Session, found: Found, lead: str, links: Sequence[TextLink] = ()) -> Turn:
    """The headings of what comes near, to choose from by number, behind `lead` where there is one. `after` is the bot's memory."""
    near = list({each.citation.nearest: each for each in reversed(found.near)}.values())[::-1][:MOST_HEADINGS]
    titles = tuple(each.citation.nearest for each in near)
    listed = "\n".join(f"{number}. {title}" for number, title in enumerate(titles, 1))
    text = f"{texts.say('suggestions_too' if lead else 'suggestions', after.locale)}\n{listed}"
    return Turn(
        after.locale,
        "suggestions",
        f"{lead}\n{text}" if lead else text,
        replace(after, offered=replace(found, near=near)),
        quotes=titles,
        citations=tuple(each.citation for each in near),
        links=tuple(links),
    )
