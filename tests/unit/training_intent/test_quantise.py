"""int8 is taken in the first way that costs next to nothing, or the one that costs least, and refused when all cost too much."""

from functools import cache
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from tests.unit.training_intent.wide import wide_encoder, wide_looks
from training.intent import evening
from training.intent.export import export_onnx
from training.intent.network import IntentNetwork
from training.intent.quantise import WAYS, Attempt, Score, quantise

SPOKEN = (9, 20)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two layers that are wide enough for whole blocks."""
    path = tmp_path_factory.mktemp("quantise") / "model.onnx"
    export_onnx(IntentNetwork(wide_encoder(), {"intent": 5}, dropout=0.0), path)
    return path


def tried(source: Path, target: Path, reference: float, score: Score) -> tuple[Attempt | None, list[Attempt]]:
    looks = cache(lambda: wide_looks(source))
    return quantise(source, target, spoken=SPOKEN, looks=looks, reference=reference, score=score)


def test_a_loss_of_next_to_nothing_is_taken_at_once(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "model.int8.onnx"
    taken, ways = tried(source, target, 0.9015, lambda path: 0.9)
    assert taken is not None
    assert [each.name for each in ways] == [WAYS[0].name] == [taken.name]
    operators = {node.op_type for node in onnx.load(str(target)).graph.node}
    assert {"QAttention", "DynamicQuantizeMatMul"} & operators or {"QAttention", "MatMulInteger"} <= operators
    assert target.stat().st_size < source.stat().st_size


def test_int8_says_nearly_what_float_says(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "int8.onnx"
    tried(source, target, 0.0, lambda path: 1.0)
    feeds = {"input_ids": np.array([[0, 9, 20, 33, 2]]), "attention_mask": np.ones((1, 5), dtype=np.int64)}
    exact, rounded = (ort.InferenceSession(str(path)).run(["embedding"], feeds)[0] for path in (source, target))
    assert float((exact * rounded).sum()) > 0.995


def test_every_way_leaves_weights_of_eight_bits_and_a_file_that_works(source: Path, tmp_path: Path) -> None:
    feeds = {"input_ids": np.array([[0, 9, 20, 33, 2]]), "attention_mask": np.ones((1, 5), dtype=np.int64)}
    exact = ort.InferenceSession(str(source)).run(["embedding"], feeds)[0]
    for last in range(len(WAYS)):
        target = tmp_path / f"{last}.onnx"
        scores = iter([0.0] * last + [1.0])
        taken, _ = tried(source, target, 1.0, lambda path, scores=scores: next(scores))
        assert taken is not None
        assert taken.name == WAYS[last].name
        matrices = [
            each for each in onnx.load(str(target)).graph.initializer if len(each.dims) == 2 and max(each.dims) > 32
        ]
        floats = {each.name for each in matrices if each.data_type == onnx.TensorProto.FLOAT}
        assert {name for name in floats if not name.endswith(("_scale", "_scales", "_evened"))} == {
            "position_embeddings"
        }
        rounded = ort.InferenceSession(str(target)).run(["embedding"], feeds)[0]
        assert float((exact * rounded).sum()) > 0.99


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        ([0.896, 0.897, 0.8962, 0.8965, 0.8975], 4),
        ([0.897, 0.896, 0.8965, 0.8965, 0.89], 0),
        ([0.89, 0.8951, 0.89, 0.89, 0.895], 1),
        ([0.89, 0.8951, 0.8962, 0.896, 0.895], 2),
    ],
)
def test_where_all_cost_something_the_one_that_costs_least_is_taken(
    source: Path, tmp_path: Path, scores: list[float], best: int
) -> None:
    told, written = iter(scores), []

    def score(path: Path) -> float:
        written.append(path.read_bytes())
        return next(told)

    taken, ways = tried(source, tmp_path / "m.onnx", 0.9, score)
    assert taken is not None
    assert taken.name == WAYS[best].name
    assert [each.score for each in ways] == scores
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [written[best]]


def test_every_way_is_tried_before_int8_is_refused(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "model.int8.onnx"
    taken, ways = tried(source, target, 0.9, lambda path: 0.89)
    assert taken is None
    assert [each.name for each in ways] == [way.name for way in WAYS]
    assert list(tmp_path.iterdir()) == []


def test_a_later_way_is_taken_when_the_first_costs_too_much(source: Path, tmp_path: Path) -> None:
    scores = iter([0.80, 0.85, 0.8995])
    taken, ways = tried(source, tmp_path / "m.onnx", 0.9, lambda path: next(scores))
    assert taken is not None
    assert taken.name == WAYS[2].name
    assert [each.score for each in ways] == [0.80, 0.85, 0.8995]


def test_what_loses_too_much_evened_out_is_in_blocks(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evening, "LARGEST_ERROR", 0.0)
    scores = iter([0.0, 0.0, 1.0])
    tried(source, tmp_path / "m.onnx", 1.0, lambda path: next(scores))
    assert sum(node.op_type == "MatMulNBits" for node in onnx.load(str(tmp_path / "m.onnx")).graph.node) == 2


def test_the_way_with_activations_evened_out_has_none_in_blocks(source: Path, tmp_path: Path) -> None:
    scores = iter([0.0, 0.0, 1.0])
    tried(source, tmp_path / "m.onnx", 1.0, lambda path: next(scores))
    graph = onnx.load(str(tmp_path / "m.onnx")).graph
    assert {each.name for each in graph.initializer} >= {f"layer{index}_outer_weight_evened" for index in range(2)}
    assert "MatMulNBits" not in {node.op_type for node in graph.node}
