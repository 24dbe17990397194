"""What a package is refused for, each with a reason of our own words."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.intent.labels import LABELS
from services.intent.model import ModelRefused
from services.intent.trained.package import newest_shipped, read_package, shipped_folders
from services.intent.trained.provider import Wanted
from services.intent.trained.transformer import OnnxModel
from tests.service.intent.packages import TASKS, seal, write_package

CPU = Wanted("cpu", "CUDAExecutionProvider", threads=1)
NAN = float("nan")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return write_package(tmp_path, "a", "greeting")


def describe(package: Path, **changes: Any) -> None:
    said = json.loads((package / "model.json").read_text())
    (package / "model.json").write_text(json.dumps(said | changes))
    seal(package, "a")


def list_too(package: Path, name: str) -> None:
    manifest = json.loads((package / "manifest.json").read_text())
    manifest["files"][name] = "0" * 64
    (package / "manifest.json").write_text(json.dumps(manifest))


def without_description(package: Path) -> None:
    (package / "model.json").unlink()
    seal(package, "a")


def temperature(value: float) -> Callable[[Path], None]:
    return lambda package: describe(package, temperatures={**dict.fromkeys(TASKS, 1.0), "intent": value})


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (without_description, "the package is damaged: a has no model.json"),
        (
            lambda package: list_too(package, "../b/model.onnx"),
            "the package is damaged: a: manifest.json is no manifest",
        ),
        (lambda package: list_too(package, "/dev/zero"), "the package is damaged: a: manifest.json is no manifest"),
        (lambda package: list_too(package, "a\0b"), "the package is damaged: a: manifest.json is no manifest"),
        (temperature(0.0), "a/model.json is not a description of a model"),
        (temperature(-1.0), "a/model.json is not a description of a model"),
        (temperature(NAN), "a/model.json is not a description of a model"),
        (lambda package: describe(package, scope_threshold=NAN), "a/model.json is not a description of a model"),
        (
            lambda package: describe(package, confidence={"intent": [NAN, 1, 0]}),
            "a/model.json is not a description of a model",
        ),
    ],
)
def test_what_is_wrong_with_a_package_is_said_before_it_is_opened(
    package: Path, spoil: Callable[[Path], None], why: str
) -> None:
    spoil(package)
    with pytest.raises(ModelRefused) as refused:
        read_package(package)
    assert str(refused.value) == why


@pytest.mark.parametrize("labels", [LABELS[:3], [*LABELS, "cards.lost"]])
def test_a_graph_with_another_number_of_classes_than_the_description_is_refused(
    package: Path, labels: list[str]
) -> None:
    describe(package, classes={**TASKS, "intent": labels})
    with pytest.raises(ModelRefused, match="other classes than its description: intent_logits"):
        OnnxModel(package, CPU)


def test_a_tokenizer_that_is_none_is_named(package: Path) -> None:
    (package / "tokenizer.json").write_text("{}")
    seal(package, "a")
    with pytest.raises(ModelRefused, match=r"^a/tokenizer\.json is no tokenizer$"):
        OnnxModel(package, CPU)


def test_a_damaged_package_among_those_that_shipped_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = newest_shipped()
    damaged = tmp_path / "models" / "intent" / "z"
    damaged.mkdir(parents=True)
    (damaged / "manifest.json").write_text("{}")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert damaged in shipped_folders()
    assert newest_shipped() == before
