"""`kuajie models`: packages into the folder of the installation, and what the running stack is to do with its versions."""

import json
import re
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from kuajie.failures import BadInput, CommandError
from kuajie.gateway import Gateway
from kuajie.terminal import progress, table

Model = dict[str, Any]

POLL_S = 0.3
SETTLED_S = 3.0
"""After so long every process has heard of what was asked and reported: until then a refusal may be that of the time before."""
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
GOALS = {"promote": "serving", "load": "ready", "shadow": "shadow", "unshadow": "ready", "retire": "available"}
"""The state that each verb leads to."""


def listed(gateway: Gateway) -> list[Model]:
    """Every version of a stack."""
    found: list[Model] = []
    query: dict[str, Any] = {"limit": 200}
    while True:
        page = gateway.get(f"/v1/models?{urlencode(query)}")
        found += page["data"]
        if not page["has_more"]:
            return found
        query["cursor"] = page["next_cursor"]


def read(gateway: Gateway, version: str) -> Model:
    return gateway.get(f"/v1/models/{quote(version, safe='')}")


def ask(gateway: Gateway, version: str, verb: str, *, wait: float, body: Mapping[str, Any] | None = None) -> Model:
    """Ask for something, and wait until every process has done it. Raises CommandError when one refuses the version, when somebody
    else gave its role away meanwhile, or when `wait` seconds were not enough; what was asked for stays asked for.
    """
    path = f"/v1/models/{quote(version, safe='')}/{verb}"
    model = gateway.post(path, b"" if body is None else json.dumps(body).encode())
    role, began, old = model["role"], time.monotonic(), _refused(model)
    deadline = began + wait
    with progress(f"{verb} {version}", None) as advance:
        while wait and not _done(model, GOALS[verb], lambda: listed(gateway)):
            old = old and _refused(model) and time.monotonic() < began + SETTLED_S
            if _refused(model) and not old:
                reason = model["reason"] or "by another process"
                raise CommandError(f"{version} is refused: {reason}; what served before still does")
            if time.monotonic() > deadline:
                raise CommandError(f"after {wait:.0f} s not every process has come to it: {_counts(model)}")
            advance(1)
            time.sleep(POLL_S)
            model = read(gateway, version)
            if role == GOALS[verb] != model["role"]:
                raise CommandError(f"{version} is no longer wanted as {role}: something else was asked for meanwhile")
    return model


def _refused(model: Model) -> bool:
    return bool(model["state"] == "refused" or model["processes"].get("refused"))


def _done(model: Model, goal: str, others: Callable[[], list[Model]]) -> bool:
    """Whether every process has reported it. What is held by its role keeps that role's state, what was refused is held by nobody, and
    once a version is promoted nobody may serve another.
    """
    held = {"ready": {"ready", "serving", "shadow"}, "available": {"available", "refused"}}.get(goal, {goal})
    reported = set(model["processes"])
    if model["state"] not in held or reported - held or (goal != "available" and not reported):
        return False
    return goal != "serving" or not any(
        other["processes"].get("serving") for other in others() if other["version"] != model["version"]
    )


def publish(folder: Path, artifacts: Path) -> dict[str, str]:
    """Copy a verified package to where the intent service looks; it is there whole or not at all.

    A damaged one of its version is replaced. Raises BadInput for what is no package, and when another package has its version already.
    """
    from services.intent.model import ModelRefused
    from services.intent.trained.package import package_in, published_folder, read_package
    from services.kit.artifacts import MANIFEST

    source = package_in(folder)
    try:
        manifest = read_package(source).manifest
    except ModelRefused as refused:
        raise BadInput(f"{folder}: {refused}") from refused
    if not VERSION.fullmatch(manifest.version):
        raise BadInput(f"{folder}: {manifest.version!r} cannot name a folder")
    target = published_folder(artifacts) / manifest.version
    try:
        there = read_package(target).manifest if target.exists() else None
    except ModelRefused:
        there = None  # damaged: put there anew
    if there is None:
        _copy(source, target, [*manifest.files, MANIFEST])
    elif there.checksum != manifest.checksum:
        raise BadInput(f"{target} is another package of the same version")
    return {"version": manifest.version, "folder": str(target), "checksum": manifest.checksum}


def _copy(source: Path, target: Path, names: list[str]) -> None:
    """All files under a hidden name first, so that nobody finds half a package; then in the place of what is there."""
    draft, old = (target.with_name(f".{target.name}.{time.time_ns()}{end}") for end in ("", ".old"))
    try:
        draft.mkdir(parents=True)
        for name in names:
            shutil.copyfile(source / name, draft / name)
        if target.exists():
            target.rename(old)
        draft.rename(target)
    except OSError as error:
        raise CommandError(f"cannot write to {target}: {error.strerror}") from error
    finally:
        for left in (draft, old):
            shutil.rmtree(left, ignore_errors=True)


def show_models(models: list[Model]) -> None:
    rows = [
        [
            model["version"],
            model["source"] or "not here",
            model["role"] or "",
            _counts(model),
            "" if model["load_s"] is None else f"{model['load_s']:.1f} s",
            model["reason"] or "",
        ]
        for model in models
    ]
    table("intent", ["version", "from", "wanted", "processes", "loaded in", "refused because"], rows)


def show_agreement(model: Model) -> None:
    """How far a shadow agreed; nothing where it never was one."""
    if not model["agreement"]:
        return
    shares = ("label", "in_scope", "sentiment")
    rows = [
        [each["against"], each["language"], str(each["texts"])]
        + [f"{each[name]:.1%}" for name in shares]
        + [f"{each['confidence_gap']:.3f}"]
        for each in model["agreement"]
    ]
    table("agreement", ["with", "language", "texts", "label", "in scope", "sentiment", "|Δ confidence|"], rows)


def _counts(model: Model) -> str:
    counts = ", ".join(f"{count} {state}" for state, count in sorted(model["processes"].items()))
    return counts or str(model["state"])
