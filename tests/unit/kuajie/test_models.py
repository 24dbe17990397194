"""`kuajie models`: what is asked of the gateway, what is waited for, and how a package is published."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kuajie import models
from kuajie.failures import BadInput, CommandError
from services.intent.trained.package import newest_shipped, published_folder, read_package


def model(version: str, state: str, **changes: Any) -> dict[str, Any]:
    defaults = {"source": "published", "role": None, "reason": None, "load_s": None, "agreement": []}
    return {"version": version, "state": state, "processes": {state: 1}, **defaults, **changes}


def answering(stand, *steps: list[dict[str, Any]]) -> None:
    """Each POST and each reading of one version sees the next step, the last one for ever; lists see the same step."""
    pending = iter(steps)
    now: list[list[dict[str, Any]]] = []

    def answer(method: str, path: str, body: bytes) -> tuple[int, bytes]:
        if not path.startswith("/v1/models?"):
            now[:] = [next(pending, steps[-1])]
            return 202 if method == "POST" else 200, json.dumps(now[0][0]).encode()
        return 200, json.dumps({"data": now[0], "has_more": False, "next_cursor": None}).encode()

    stand.answer = answer


def test_a_promotion_is_done_when_no_process_serves_another_version(stand) -> None:
    halfway = {"serving": 1, "loading": 1}
    answering(
        stand,
        [model("b/1", "available", processes={})],
        [model("b/1", "serving", processes=halfway), model("a", "serving")],
        [model("b/1", "serving", processes={"serving": 2}), model("a", "available", processes={})],
    )
    assert models.ask(stand.gateway, "b/1", "promote", wait=60)["processes"] == {"serving": 2}
    assert stand.asked[0] == ("POST", "/v1/models/b%2F1/promote", b"")


def test_a_process_that_still_serves_the_old_version_is_waited_for(stand) -> None:
    answering(stand, [model("b", "serving"), model("a", "serving")])
    with pytest.raises(CommandError, match=r"after 0 s not every process has come to it: 1 serving"):
        models.ask(stand.gateway, "b", "promote", wait=0.05)


@pytest.mark.parametrize("state", ["loading", "serving"])
def test_a_promotion_that_another_overtakes_is_a_failure(stand, state: str) -> None:
    answering(stand, [model("b", "loading", role="serving")], [model("b", state), model("a", "available")])
    with pytest.raises(CommandError, match="b is no longer wanted as serving: something else was asked for meanwhile"):
        models.ask(stand.gateway, "b", "promote", wait=60)


def test_a_version_that_a_process_refuses_is_a_failure_with_its_reason(stand) -> None:
    answering(stand, [model("b", "loading")], [model("b", "refused", reason="the package is damaged")])
    with pytest.raises(CommandError, match="b is refused: the package is damaged; what served before still does"):
        models.ask(stand.gateway, "b", "promote", wait=60)


def test_a_refusal_from_before_it_was_asked_for_again_is_none(stand) -> None:
    before = model("b", "refused", reason="FileNotFoundError")
    answering(stand, [before], [before], [model("b", "loading")], [model("b", "serving")])
    assert models.ask(stand.gateway, "b", "promote", wait=60)["state"] == "serving"


def test_a_refusal_that_stays_is_a_failure(stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "SETTLED_S", 0.4)
    answering(stand, [model("b", "refused", reason="a has no model.json")])
    with pytest.raises(CommandError, match=r"b is refused: a has no model\.json; what served before still does"):
        models.ask(stand.gateway, "b", "load", wait=60)


def test_what_was_refused_can_be_retired(stand) -> None:
    answering(stand, [model("b", "refused", processes={"refused": 2}, reason="no")])
    assert models.ask(stand.gateway, "b", "retire", wait=60)["state"] == "refused"


def test_nothing_is_waited_for_when_that_is_wished(stand) -> None:
    answering(stand, [model("b", "loading")])
    assert models.ask(stand.gateway, "b", "shadow", wait=0, body={"share": 0.5})["state"] == "loading"
    assert stand.asked == [("POST", "/v1/models/b/shadow", b'{"share": 0.5}')]


def test_loading_what_serves_already_is_done_at_once(stand) -> None:
    answering(stand, [model("b", "serving")])
    assert models.ask(stand.gateway, "b", "load", wait=60)["state"] == "serving"


def test_all_pages_are_listed(stand) -> None:
    def answer(method: str, path: str, body: bytes) -> tuple[int, bytes]:
        more = "cursor" not in path
        page = {"data": [model("a" if more else "b", "ready")], "has_more": more, "next_cursor": "x" if more else None}
        return 200, json.dumps(page).encode()

    stand.answer = answer
    assert [each["version"] for each in models.listed(stand.gateway)] == ["a", "b"]


@pytest.fixture(scope="module")
def shipped() -> Iterator[Path]:
    folder = newest_shipped()
    assert folder is not None
    yield folder


def test_a_published_package_is_whole_and_publishing_it_again_changes_nothing(shipped: Path, tmp_path: Path) -> None:
    first = models.publish(shipped, tmp_path)
    target = published_folder(tmp_path) / shipped.name
    assert first["folder"] == str(target)
    assert read_package(target).manifest == read_package(shipped).manifest
    assert models.publish(shipped, tmp_path) == first
    assert [path.name for path in target.parent.iterdir()] == [shipped.name]


def test_publishing_again_puts_a_damaged_package_right(shipped: Path, tmp_path: Path) -> None:
    target = published_folder(tmp_path) / shipped.name
    models.publish(shipped, tmp_path)
    with (target / "tokenizer.json").open("ab") as file:
        file.write(b" ")
    models.publish(shipped, tmp_path)
    assert read_package(target).manifest == read_package(shipped).manifest
    (target / "manifest.json").unlink()
    models.publish(shipped, tmp_path)
    assert read_package(target).manifest == read_package(shipped).manifest
    assert [path.name for path in target.parent.iterdir()] == [shipped.name]


def test_what_is_no_package_or_a_damaged_one_is_not_published(shipped: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="the package is damaged"):
        models.publish(tmp_path, tmp_path / "artifacts")
    bad = tmp_path / "bad"
    bad.mkdir()
    for path in shipped.iterdir():
        (bad / path.name).write_bytes(path.read_bytes())
    with (bad / "tokenizer.json").open("ab") as file:
        file.write(b" ")
    with pytest.raises(BadInput, match=r"checksum of tokenizer\.json"):
        models.publish(bad, tmp_path / "artifacts")
    manifest = json.loads((shipped / "manifest.json").read_bytes())
    (bad / "tokenizer.json").write_bytes((shipped / "tokenizer.json").read_bytes())
    (bad / "manifest.json").write_text(json.dumps({**manifest, "version": "../../etc"}))
    with pytest.raises(BadInput, match="cannot name a folder"):
        models.publish(bad, tmp_path / "artifacts")
    assert not (tmp_path / "artifacts").exists()


def test_another_package_of_the_same_version_is_not_published(shipped: Path, tmp_path: Path) -> None:
    models.publish(shipped, tmp_path)
    target = published_folder(tmp_path) / shipped.name
    manifest = json.loads((target / "manifest.json").read_bytes())
    del manifest["files"]["README.md"]
    (target / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BadInput, match="is another package of the same version"):
        models.publish(shipped, tmp_path)
