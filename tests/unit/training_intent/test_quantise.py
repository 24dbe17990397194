"""int8 is taken in the first way that costs next to nothing, or the one that costs least, and refused when all cost too much."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from tests.unit.training_intent.wide import wide_encoder
from training.intent.export import export_onnx
from training.intent.network import IntentNetwork
from training.intent.quantise import WAYS, quantise

SPOKEN = (9, 20)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two layers that are wide enough for whole blocks."""
    path = tmp_path_factory.mktemp("quantise") / "model.onnx"
    export_onnx(IntentNetwork(wide_encoder(), {"intent": 5}, dropout=0.0), path)
    return path


def test_a_loss_of_next_to_nothing_is_taken_at_once(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "model.int8.onnx"
    taken, tried = quantise(source, target, spoken=SPOKEN, reference=0.9015, score=lambda path: 0.9)
    assert taken is not None
    assert [each.name for each in tried] == [WAYS[0].name] == [taken.name]
    operators = {node.op_type for node in onnx.load(str(target)).graph.node}
    assert {"QAttention", "DynamicQuantizeMatMul"} & operators or {"QAttention", "MatMulInteger"} <= operators
    assert target.stat().st_size < source.stat().st_size


def test_int8_says_nearly_what_float_says(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "int8.onnx"
    quantise(source, target, spoken=SPOKEN, reference=0.0, score=lambda path: 1.0)
    feeds = {"input_ids": np.array([[0, 9, 20, 33, 2]]), "attention_mask": np.ones((1, 5), dtype=np.int64)}
    exact, rounded = (ort.InferenceSession(str(path)).run(["embedding"], feeds)[0] for path in (source, target))
    assert float((exact * rounded).sum()) > 0.995


def test_every_way_leaves_weights_of_eight_bits_and_a_file_that_works(source: Path, tmp_path: Path) -> None:
    feeds = {"input_ids": np.array([[0, 9, 20, 33, 2]]), "attention_mask": np.ones((1, 5), dtype=np.int64)}
    exact = ort.InferenceSession(str(source)).run(["embedding"], feeds)[0]
    for last in range(len(WAYS)):
        target = tmp_path / f"{last}.onnx"
        scores = iter([0.0] * last + [1.0])
        taken, _ = quantise(
            source, target, spoken=SPOKEN, reference=1.0, score=lambda path, scores=scores: next(scores)
        )
        assert taken is not None
        assert taken.name == WAYS[last].name
        matrices = [
            each for each in onnx.load(str(target)).graph.initializer if len(each.dims) == 2 and max(each.dims) > 32
        ]
        floats = {each.name for each in matrices if each.data_type == onnx.TensorProto.FLOAT}
        assert {name for name in floats if not name.endswith(("_scale", "_scales"))} == {"position_embeddings"}
        rounded = ort.InferenceSession(str(target)).run(["embedding"], feeds)[0]
        assert float((exact * rounded).sum()) > 0.99


@pytest.mark.parametrize(
    ("scores", "best"),
    [([0.896, 0.897, 0.8962, 0.8975], 3), ([0.897, 0.896, 0.8965, 0.89], 0), ([0.89, 0.8951, 0.89, 0.895], 1)],
)
def test_where_all_cost_something_the_one_that_costs_least_is_taken(
    source: Path, tmp_path: Path, scores: list[float], best: int
) -> None:
    told, written = iter(scores), []

    def score(path: Path) -> float:
        written.append(path.read_bytes())
        return next(told)

    taken, tried = quantise(source, tmp_path / "m.onnx", spoken=SPOKEN, reference=0.9, score=score)
    assert taken is not None
    assert taken.name == WAYS[best].name
    assert [each.score for each in tried] == scores
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [written[best]]


def test_every_way_is_tried_before_int8_is_refused(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "model.int8.onnx"
    taken, tried = quantise(source, target, spoken=SPOKEN, reference=0.9, score=lambda path: 0.89)
    assert taken is None
    assert [each.name for each in tried] == [way.name for way in WAYS]
    assert list(tmp_path.iterdir()) == []


def test_a_later_way_is_taken_when_the_first_costs_too_much(source: Path, tmp_path: Path) -> None:
    scores = iter([0.80, 0.85, 0.8995])
    taken, tried = quantise(source, tmp_path / "m.onnx", spoken=SPOKEN, reference=0.9, score=lambda path: next(scores))
    assert taken is not None
    assert taken.name == WAYS[2].name
    assert [each.score for each in tried] == [0.80, 0.85, 0.8995]
