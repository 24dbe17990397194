"""Distances to known classes: as the definition has them, in numpy and in the graph, and what is chosen by."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

from training.intent.rows import UNKNOWN
from training.intent.scope import SHRINKAGE, add_distance, choose_scope, fit_distance

NAMES = ("a", "b", "never", "out_of_scope")


Rows = tuple[np.ndarray, np.ndarray, np.ndarray]


@pytest.fixture
def rows() -> Rows:
    """Sixty embeddings four wide around three centres, logits that know the classes, and these; the last is out of scope."""
    random = np.random.default_rng(3)
    truth = np.repeat([0, 1, 3], 20)
    centres = np.array([[1.0, 0, 0, 0], [0, 1.0, 0, 0], [0, 0, 0, 0], [0, 0, 5.0, 0]])
    embeddings = centres[truth] + 0.1 * random.standard_normal((60, 4))
    return embeddings, 3 * np.eye(4)[truth] + random.standard_normal((60, 4)), truth


def test_distance_is_mahalanobis_less_that_to_the_middle_and_less_the_logit(rows: Rows) -> None:
    embeddings, logits, truth = rows
    means = [embeddings[truth == index].mean(axis=0) for index in (0, 1)]
    spread = np.concatenate([embeddings[truth == index] - means[index] for index in (0, 1)])
    covariance = spread.T @ spread / 40
    inverse = np.linalg.inv(covariance + SHRINKAGE * np.trace(covariance) / 4 * np.eye(4))
    to = [np.einsum("ij,jk,ik->i", embeddings - mean, inverse, embeddings - mean) for mean in means]
    middle = embeddings - embeddings.mean(axis=0)
    by_embedding = np.stack(to, axis=1) - np.einsum("ij,jk,ik->i", middle, inverse, middle)[:, None]
    by_logits = logits.mean(axis=1, keepdims=True) - logits[:, :2]
    scales = [part[:40].min(axis=1).std() for part in (by_embedding, by_logits)]
    expected = (by_embedding / scales[0] + by_logits / scales[1]).min(axis=1)
    assert fit_distance(embeddings, logits, truth, NAMES).of(embeddings, logits) == pytest.approx(expected)
    assert expected[:40].max() < expected[40:].min()


def test_rows_of_no_class_change_nothing(rows: Rows) -> None:
    embeddings, logits, truth = rows
    more = np.concatenate([embeddings, embeddings + 5]), np.concatenate([logits, 5 * logits])
    distance = fit_distance(*more, np.concatenate([truth, np.full(60, UNKNOWN)]), NAMES)
    expected = fit_distance(embeddings, logits, truth, NAMES)
    assert distance.of(embeddings, logits) == pytest.approx(expected.of(embeddings, logits))


def test_one_known_class_is_told_from_what_is_out_of_scope(rows: Rows) -> None:
    embeddings, logits, truth = rows
    distance = fit_distance(embeddings, logits, np.where(truth == 1, 3, truth), NAMES).of(embeddings, logits)
    assert distance[:20].max() < distance[20:].min()


def test_texts_that_are_all_alike_have_a_distance_too() -> None:
    embeddings, logits = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    distance = fit_distance(embeddings, logits, np.array([0, 0, 1]), ("a", "b"))
    near, far = distance.of(np.array([[1.0, 0.0], [0.6, 0.6]]), np.array([[1.0, 0.0], [0.5, 0.5]]))
    assert np.isfinite([near, far]).all()
    assert near < far


def test_the_graph_computes_the_same(rows: Rows, tmp_path: Path) -> None:
    embeddings, logits, truth = rows
    distance = fit_distance(embeddings, logits, truth, NAMES)
    given = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 4]) for name in ("x", "z")]
    told = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 4]) for name in ("embedding", "intent_logits")
    ]
    nodes = [helper.make_node("Identity", [name], [output.name]) for name, output in zip(("x", "z"), told, strict=True)]
    graph = helper.make_graph(nodes, "told", given, told)
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), str(path))
    add_distance(path, distance)
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    feeds = {"x": embeddings.astype(np.float32), "z": logits.astype(np.float32)}
    [found] = session.run(["scope_distance"], feeds)
    assert found.shape == (60, 1)
    assert found[:, 0] == pytest.approx(distance.of(embeddings, logits), rel=1e-3, abs=1e-3)


def test_what_tells_more_is_chosen_and_distance_without_an_unknown_row() -> None:
    known = np.array([True, True, False, False])
    perfect, useless = np.array([4.0, 3.0, 2.0, 1.0]), np.zeros(4)
    choice = choose_scope({"energy": perfect, "distance": useless}, known)
    assert (choice.taken, choice.auroc) == ("energy", {"energy": 1.0, "distance": 0.5})
    assert choose_scope({"energy": useless, "distance": perfect}, known).taken == "distance"
    blind = choose_scope({"energy": perfect, "distance": useless}, np.ones(4, dtype=bool))
    assert (blind.taken, blind.auroc) == ("distance", {})
