"""Consents without a database: purposes, what silence means, and whether an answer is in force."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

Purpose = Literal["personalisation", "marketing", "health", "finance", "partner_sharing"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)

PLATFORM = "platform"
"""The recipient when none is named: the platform itself. A consent for one recipient says nothing about another."""

DEFAULT: dict[Purpose, bool] = {
    "personalisation": True,
    "marketing": False,
    "health": False,
    "finance": False,
    "partner_sharing": False,
}

Reason = Literal["granted", "denied", "expired", "default_allow", "default_deny"]


@dataclass(frozen=True, slots=True)
class Answer:
    """The last recorded answer for one purpose and recipient."""

    granted: bool
    expires_at: datetime | None

    def in_force(self, now: datetime) -> bool:
        return self.expires_at is None or self.expires_at > now


def decide(purpose: Purpose, answer: Answer | None, now: datetime) -> tuple[bool, Reason]:
    """Whether the purpose is allowed, and why. An expired answer counts as none, and an expired grant says so."""
    if answer is not None and answer.in_force(now):
        return answer.granted, "granted" if answer.granted else "denied"
    allowed = DEFAULT[purpose]
    if answer is not None and answer.granted and not allowed:
        return False, "expired"
    return allowed, "default_allow" if allowed else "default_deny"
