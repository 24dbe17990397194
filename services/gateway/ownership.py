"""Whose data a body names: a person's credential speaks for that person and for nobody else."""

import json
from collections.abc import Iterator
from typing import Any

from services.kit.errors import BadRequest, Forbidden, not_json
from services.kit.identity import Caller


def check_kind(caller: Caller, *, for_people: bool) -> None:
    """Raise Forbidden when a person uses what concerns many people at once, whatever the scopes."""
    if caller.kind == "person" and not for_people:
        raise Forbidden("This needs the credential of a server.")


def check_owner(caller: Caller, body: bytes, people: str) -> None:
    """Raise Forbidden when a person's `body` names somebody else, or nobody, at `people` (such as `batch.*.user_id`)."""
    if caller.kind != "person" or not people:
        return
    for named in _at(_parsed(body), people.split(".")):
        if named != caller.subject:
            raise Forbidden("This credential may only act for its own user.", param=people)


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body, object_pairs_hook=_without_repeats)
    except ValueError as error:
        raise not_json(body) from error


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Parsers differ in which of two equal names counts, so that the one we check might not be the one that is used."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise BadRequest("An object names a member twice.", param="body")
    return members


def _at(value: Any, path: list[str]) -> Iterator[Any]:
    """The values at `path`; None where there is none."""
    if not path:
        yield value
    elif path[0] == "*":
        for each in value if isinstance(value, list) else [None]:
            yield from _at(each, path[1:])
    else:
        yield from _at(value.get(path[0]) if isinstance(value, dict) else None, path[1:])
