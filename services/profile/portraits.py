"""The snapshot: what is held of a person, said in the terms of the other services."""

import hashlib
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from services.profile.consent_terms import DEFAULT, PURPOSES
from services.profile.facts import TIMEZONES, Facts
from services.profile.features import Features, PersonSums, describe
from services.profile.people import Held
from services.profile.schemas import Snapshot
from services.profile.segments import Scored, Scorer

_SHOWN = (
    "recency_days", "tenure_days", "events", "events_30d", "purchases", "refunds", "spend", "spend_total",
    "completion", "refund_rate", "price_sensitivity", "night_share", "peak_hour",
)  # fmt: skip
_DECIMALS = 4


def portray(user_id: str, held: Held, scorer: Scorer | None, *, now: datetime, home_timezone: str) -> Snapshot:
    """The snapshot at `now`. Features are read at the last full hour, or the last event if later: so answers can be cached."""
    features = features_of(held, now=now, home_timezone=home_timezone)
    scored = scorer.score(features) if scorer and features else Scored(None, {})
    return Snapshot(
        user_id=user_id,
        known=held.known,
        segment=scored.segment,
        traits=scored.traits,
        interests=_rounded_shares(features),
        facts=Facts.model_validate(held.facts),
        consents={purpose: held.answers.get(purpose, DEFAULT[purpose]) for purpose in PURPOSES},
        consent_version=held.consent_version,
        features=_numbers(features),
        updated_at=held.updated_at,
    )


def features_of(held: Held, *, now: datetime, home_timezone: str) -> Features | None:
    """None for somebody without any event."""
    if held.sums == PersonSums():
        return None
    hour = now.replace(minute=0, second=0, microsecond=0)
    offset = utc_offset_h(str(held.facts.get("timezone") or home_timezone), hour)
    return describe(held.sums, held.items, as_of=hour.timestamp(), utc_offset_h=offset)


@lru_cache(maxsize=4096)
def utc_offset_h(timezone: str, at: datetime) -> int:
    """Whole hours east of UTC; a zone that this machine does not know reads as UTC."""
    if timezone not in TIMEZONES:
        return 0
    offset = at.astimezone(ZoneInfo(timezone)).utcoffset()
    return round(offset.total_seconds() / 3600) if offset else 0


def etag_of(body: bytes) -> str:
    """A weak validator: equal for answers that say the same."""
    return f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


def _rounded_shares(features: Features | None) -> dict[str, float]:
    return {domain: round(share, _DECIMALS) for domain, share in features.interests.items()} if features else {}


def _numbers(features: Features | None) -> dict[str, float | None]:
    if features is None:
        return {}
    values = {name: getattr(features, name) for name in _SHOWN}
    return {name: None if value is None else round(float(value), _DECIMALS) for name, value in values.items()}
