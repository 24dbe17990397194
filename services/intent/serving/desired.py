"""What the installation wants of its versions, whatever each process has reached of it, and how that may change. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

Role = Literal["serving", "shadow", "loaded"]
State = Literal["available", "loading", "ready", "serving", "shadow", "retiring", "refused"]


class WishRefused(Exception):
    """The other wishes do not allow it; `code` is stable."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True, slots=True)
class Wish:
    """The role of one version, and when it was last asked for: a version that was refused is tried again when that is later.

    `share` is a shadow's share of the live texts. `previous` is what served before the one that serves, to fall back to.
    """

    role: Role
    asked_at: datetime
    asked_by: str
    share: float | None = None
    previous: str | None = None


@dataclass(frozen=True, slots=True)
class Desired:
    """All wishes by version. Without one that serves, the settings decide."""

    wishes: Mapping[str, Wish] = field(default_factory=dict)

    def of_role(self, role: Role) -> str | None:
        """The version that has the role, of `loaded` the first."""
        return next((version for version, wish in self.wishes.items() if wish.role == role), None)

    @property
    def shadow(self) -> tuple[str, float] | None:
        """The shadow and its share of the live texts."""
        found = ((version, wish.share) for version, wish in self.wishes.items() if wish.role == "shadow")
        return next(((version, share) for version, share in found if share is not None), None)

    def role(self, version: str) -> Role | None:
        wish = self.wishes.get(version)
        return None if wish is None else wish.role

    def promoted(self, version: str, at: datetime, by: str, *, serving: str | None) -> "Desired":
        """`version` serves. What had that role loses it, and what really serves, `serving`, is remembered to fall back to."""
        before = self.of_role("serving")
        previous = serving
        if serving == version:
            previous = self.wishes[version].previous if before == version else before
        others = {each: wish for each, wish in self.wishes.items() if each != before}
        return Desired({**others, version: Wish("serving", at, by, previous=previous)})

    def loaded(self, version: str, at: datetime, by: str) -> "Desired":
        """`version` is held ready; one that has a role keeps it."""
        wish = self.wishes.get(version) or Wish("loaded", at, by)
        return Desired({**self.wishes, version: replace(wish, asked_at=at, asked_by=by)})

    def shadowed(self, version: str, at: datetime, by: str, *, share: float) -> "Desired":
        """`version` answers a share of the live texts for comparison. There is one shadow at a time."""
        if self.role(version) == "serving":
            raise WishRefused("model_serves", f"{version} serves; a shadow is another version.")
        if (other := self.of_role("shadow")) not in {None, version}:
            raise WishRefused("another_shadow", f"{other} is the shadow; end that first.")
        return Desired({**self.wishes, version: Wish("shadow", at, by, share=share)})

    def unshadowed(self, version: str, at: datetime, by: str) -> "Desired":
        """The shadow `version` is held ready and sees no more texts."""
        if self.role(version) != "shadow":
            raise WishRefused("no_shadow", f"{version} is no shadow.")
        return Desired({**self.wishes, version: Wish("loaded", at, by)})

    def retired(self, version: str) -> "Desired":
        """Nothing is wanted of `version` any more; its files stay."""
        if self.role(version) == "serving":
            raise WishRefused("model_serves", f"{version} serves; promote another version first.")
        return Desired({each: wish for each, wish in self.wishes.items() if each != version})
