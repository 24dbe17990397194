"""What the gateway calls, typed. Batches, imports and exports pass through it as bytes and need no method here."""

from dataclasses import dataclass
from urllib.parse import quote

from services.kit.http import Backend, CallContext, parse, refusal
from services.profile.consent_terms import PLATFORM, Purpose
from services.profile.schemas import ConsentQuestion, ConsentVerdict, Snapshot

NOT_MODIFIED = 304


@dataclass(frozen=True, slots=True)
class TaggedSnapshot:
    """A snapshot and the tag to ask with next time."""

    snapshot: Snapshot
    etag: str


@dataclass(frozen=True, slots=True)
class ProfileClient:
    """Raises the errors of `services.kit.http`."""

    backend: Backend

    async def snapshot(
        self, user_id: str, context: CallContext, *, known: TaggedSnapshot | None = None
    ) -> TaggedSnapshot:
        """Who someone is. `known` is given back as it is while it still holds, for the price of a 304."""
        headers = {"If-None-Match": known.etag} if known else None
        path = f"/v1/people/{quote(user_id, safe='')}/snapshot"
        answer = await self.backend.send("GET", path, context=context, headers=headers)
        if known and answer.status == NOT_MODIFIED:
            return known
        if answer.status >= 300:
            raise refusal("profile", answer)
        return TaggedSnapshot(parse("profile", answer, Snapshot), answer.headers.get("ETag", ""))

    async def check_consent(
        self, user_id: str, purpose: Purpose, context: CallContext, *, recipient: str = PLATFORM
    ) -> ConsentVerdict:
        """Whether a purpose is allowed for a recipient now."""
        question = ConsentQuestion(user_id=user_id, purpose=purpose, recipient=recipient)
        return await self.backend.call(
            "POST", "/v1/consents/check", context=context, response=ConsentVerdict, body=question
        )
