"""Dead letters tried again: after a rule has changed, or an event's time has come."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from services.kit.identity import Caller
from services.profile import dead_letters
from services.profile.batches import record
from services.profile.cleaning import RowRefused, clean_row, parse_row
from services.profile.dead_letters import Undeliverable
from services.profile.messages import Message, MessageRefused, read_message
from services.profile.resources import Resources
from services.profile.schemas import Replay, Replayed


async def replay(resources: Resources, caller: Caller, wanted: Replay) -> Replayed:
    """Try dead letters again; those that can be kept now are kept and forgotten as dead, in one transaction."""
    now = resources.clock()
    async with resources.db.begin() as connection:
        letters = await dead_letters.take(
            connection, caller.tenant_id, identities=wanted.dead_letter_ids, limit=wanted.limit
        )
        messages, still = _retried(letters, caller.tenant_id, now)
        fresh = await record(connection, list(messages.values()), resources, now)
        await dead_letters.settle(connection, caller.tenant_id, list(messages), still)
    return Replayed(accepted=len(fresh), duplicates=len(messages) - len(fresh), rejected=len(still))


def _retried(
    letters: Sequence[Mapping[str, Any]], tenant_id: str, now: datetime
) -> tuple[dict[str, Message], list[tuple[str, Undeliverable]]]:
    """Messages by the id of their dead letter, and what is refused still."""
    messages: dict[str, Message] = {}
    still: list[tuple[str, Undeliverable]] = []
    for letter in letters:
        identity, payload = letter["dead_letter_id"], letter["payload"]
        try:
            messages[identity] = _message(letter, tenant_id, now)
        except RowRefused as refused:
            still.append((identity, Undeliverable(refused.reason, refused.param, refused.detail, payload)))
    return messages, still


def _message(letter: Mapping[str, Any], tenant_id: str, now: datetime) -> Message:
    if letter["source"] == "import":
        return Message(clean_row(parse_row(letter["payload"]), tenant_id=tenant_id, received_at=now))
    try:
        raw = orjson.loads(letter["payload"])
    except orjson.JSONDecodeError as error:
        raise MessageRefused("invalid_message", "message", "The message was not valid JSON.") from error
    # `sent_at` was said at the first arrival, so the clock is repaired by that one; what was in the future then is asked now.
    return read_message(raw, tenant_id=tenant_id, received_at=letter["received_at"], now=now)
