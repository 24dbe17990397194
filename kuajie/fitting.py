"""`kuajie fit`: what the stack knows, pulled through the gateway; what is learned from it, published for its services."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from kuajie.credentials import TENANT
from kuajie.extras import needs
from kuajie.failures import BadInput, CommandError, NotNow
from kuajie.gateway import Gateway
from kuajie.terminal import Stage, progress, show, stages, table

if TYPE_CHECKING:
    from services.kit.artifacts import Manifest

SWAP_SECONDS = 1.5
"""Services look for new artifacts once a second; who comes after a fit shall meet its result."""


class Fitted(Protocol):
    """What a fit made."""

    @property
    def metadata(self) -> dict[str, Any]: ...
    def save(self, folder: Path) -> None: ...


@dataclass(frozen=True, slots=True)
class Fit:
    """One thing that can be learned; `learn(gateway, seed, stage)`."""

    artifact: str
    learn: Callable[[Gateway, int, Stage], Fitted]


def learn_segments(gateway: Gateway, seed: int, stage: Stage) -> Fitted:
    with needs("train"):
        from training.segments import fit

    stage("reading features", 0.0)
    rows = list(gateway.lines("/v1/features/export"))
    if not rows:
        raise CommandError("nothing to learn from: no events have been recorded yet")
    stage("segments", 0.5)
    return fit(rows, seed=seed)


def learn_recommend(gateway: Gateway, seed: int, stage: Stage) -> Fitted:
    with needs("train"):
        from training.recommend import InteractionColumns, ItemColumns, fit

    stage("reading interactions", 0.0)
    interactions = InteractionColumns.from_rows(gateway.lines("/v1/interactions/export"))
    items = ItemColumns.from_rows(gateway.lines("/v1/items/export"))
    if not len(interactions) and not len(items):
        raise CommandError("nothing to learn from: there are neither items nor events yet")
    return fit(interactions, items, seed=seed, progress=stage)


FITS: Mapping[str, Fit] = {"segments": Fit("segments", learn_segments), "recommend": Fit("recommend", learn_recommend)}


def kinds_of(what: str) -> tuple[str, ...]:
    if what == "all":
        return tuple(FITS)
    if what not in FITS:
        raise BadInput(f"cannot fit {what}; there are {', '.join(FITS)} and all")
    return (what,)


def fit(kinds: tuple[str, ...], gateway: Gateway, *, wait: float = 120.0, seed: int = 0) -> list[dict[str, Any]]:
    """Learn and publish each of `kinds`; refuses while facts are still on their way to a consumer after `wait` seconds."""
    if gateway.artifacts is None:
        raise BadInput(
            "fits are published into the stack's folder: set KUAJIE_ARTIFACTS_DIR to where its services look"
        )
    await_consumers(gateway, wait)
    fitted = [fit_one(kind, gateway, gateway.artifacts, seed) for kind in kinds]
    time.sleep(SWAP_SECONDS)
    return fitted


def fit_one(kind: str, gateway: Gateway, artifacts: Path, seed: int) -> dict[str, Any]:
    from services.kit.artifacts import publish_artifact

    started = time.monotonic()
    with stages(f"fitting {kind}") as stage:
        result = FITS[kind].learn(gateway, seed, stage)
    manifest = publish_artifact(artifacts, TENANT, FITS[kind].artifact, result.save, result.metadata)
    return summary(kind, manifest, time.monotonic() - started)


def summary(kind: str, manifest: "Manifest", seconds: float) -> dict[str, Any]:
    return {
        "kind": kind,
        "version": manifest.version,
        "checksum": manifest.checksum,
        "seconds": round(seconds, 2),
        "metadata": manifest.metadata,
    }


def await_consumers(gateway: Gateway, wait: float) -> None:
    """Return when every fact has reached every consumer: what is learned before would miss some of them."""
    deadline = time.monotonic() + wait
    most = 0
    with progress("waiting for consumers", None) as advance:
        # Two looks in a row: while one is taken, a fact may go from a relay that was not asked yet to a consumer that was.
        while waiting := _still_waiting(gateway) or _still_waiting(gateway):
            if time.monotonic() > deadline:
                raise CommandError(f"after {wait:.0f} s still {waiting.why}; try later, or a longer --wait")
            advance(max(0, most - waiting.facts))
            most = waiting.facts
            time.sleep(0.2)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why a fit has to wait, and for how many facts where that is known."""

    why: str
    facts: int = 0


def _still_waiting(gateway: Gateway) -> Waiting | None:
    try:
        consumers: dict[str, int] = gateway.get("/v1/lag")["consumers"]
    except NotNow as fault:
        return Waiting(f"not able to tell how far facts are: {fault}")
    behind = {name: count for name, count in consumers.items() if count}
    listed = ", ".join(f"{name} {count}" for name, count in behind.items())
    return Waiting(f"facts on their way: {listed}", sum(behind.values())) if behind else None


def show_fitted(fitted: list[dict[str, Any]]) -> None:
    rows = [[one["kind"], one["version"], one["checksum"][:12], f"{one['seconds']:.1f} s"] for one in fitted]
    table("in use within a second", ["what", "version", "checksum", "took"], rows)
    for one in fitted:
        metadata = one["metadata"]
        for note in (*metadata.get("notes", []), metadata.get("reason")):
            if note:
                show(f"{one['kind']}: {note}")
