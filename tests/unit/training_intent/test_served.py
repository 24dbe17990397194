"""What exported files say of rows: each file is run once, whatever it is called."""

from pathlib import Path

import numpy as np
import pytest
import torch

from training.intent import served
from training.intent.batches import Encoded
from training.intent.export import export_onnx
from training.intent.network import IntentNetwork, load_encoder
from training.intent.prediction import predict
from training.intent.served import Answers

TASKS = {"intent": 5, "sentiment": 3}
DATA = Encoded([[0, 9, 20, 2], [0, 4, 2], [0, 33, 21, 7, 11, 2], [0, 5, 2]], {})


@pytest.fixture
def network(tiny_base: Path) -> IntentNetwork:
    torch.manual_seed(1)
    encoder, _ = load_encoder(tiny_base, None)
    return IntentNetwork(encoder, TASKS, dropout=0.1).eval()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were opened to be run."""
    names: list[str] = []
    really = served.open_model

    def watched(path: Path) -> object:
        names.append(path.name)
        return really(path)

    monkeypatch.setattr(served, "open_model", watched)
    return names


def test_answers_are_the_networks_in_the_order_of_the_rows(network: IntentNetwork, tmp_path: Path) -> None:
    export_onnx(network, tmp_path / "model.onnx")
    answers = Answers(DATA, 1, tuple(TASKS))
    ours = predict(network, DATA, 1)
    for task, classes in TASKS.items():
        assert ours[task].shape == (4, classes)
        np.testing.assert_allclose(answers.logits(tmp_path / "model.onnx")[task], ours[task], atol=1e-5)
    assert answers.embeddings(tmp_path / "model.onnx").shape[0] == 4


def test_a_file_is_run_once_by_whatever_name(network: IntentNetwork, tmp_path: Path, opened: list[str]) -> None:
    export_onnx(network, tmp_path / "draft.onnx")
    answers = Answers(DATA, 1, tuple(TASKS))
    first = answers.logits(tmp_path / "draft.onnx")
    (tmp_path / "draft.onnx").rename(tmp_path / "model.onnx")
    answers.embeddings(tmp_path / "model.onnx")
    again = answers.logits(tmp_path / "model.onnx")
    assert opened == ["draft.onnx"]
    assert all(np.array_equal(first[task], again[task]) for task in TASKS)


def test_another_file_in_its_place_is_another_file(network: IntentNetwork, tmp_path: Path, opened: list[str]) -> None:
    path = tmp_path / "model.onnx"
    export_onnx(network, path)
    answers = Answers(DATA, 1, tuple(TASKS))
    before = answers.logits(path)["intent"]
    with torch.no_grad():
        network.heads["intent"].bias += 1.0
    export_onnx(network, path)
    np.testing.assert_allclose(answers.logits(path)["intent"], before + 1.0, atol=1e-5)
    assert opened == ["model.onnx", "model.onnx"]
