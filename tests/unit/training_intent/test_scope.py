"""Distances to known classes: as the definition has them, in numpy and in the graph, and what is chosen by."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

from training.intent.scope import SHRINKAGE, add_distance, choose_scope, fit_classes

NAMES = ("a", "b", "never", "out_of_scope")


@pytest.fixture
def rows() -> tuple[np.ndarray, np.ndarray]:
    """Sixty embeddings four wide around three centres; the last class is out of scope."""
    random = np.random.default_rng(3)
    truth = np.repeat([0, 1, 3], 20)
    centres = np.array([[1.0, 0, 0, 0], [0, 1.0, 0, 0], [0, 0, 0, 0], [0, 0, 5.0, 0]])
    return centres[truth] + 0.1 * random.standard_normal((60, 4)), truth


def test_distances_are_mahalanobis_to_the_nearest_known_class(rows: tuple[np.ndarray, np.ndarray]) -> None:
    embeddings, truth = rows
    means = [embeddings[truth == index].mean(axis=0) for index in (0, 1)]
    spread = np.concatenate([embeddings[truth == index] - means[index] for index in (0, 1)])
    covariance = spread.T @ spread / 40
    inverse = np.linalg.inv(covariance + SHRINKAGE * np.trace(covariance) / 4 * np.eye(4))
    expected = [min((row - mean) @ inverse @ (row - mean) for mean in means) for row in embeddings]
    assert fit_classes(embeddings, truth, NAMES).distances(embeddings) == pytest.approx(expected)


def test_texts_that_are_all_alike_have_a_distance_too() -> None:
    classes = fit_classes(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), np.array([0, 0, 1]), ("a", "b"))
    near, far = classes.distances(np.array([[1.0, 0.0], [0.6, 0.6]]))
    assert near == pytest.approx(0.0, abs=1e-3)
    assert far > 1.0


def test_the_graph_computes_the_same(rows: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    embeddings, truth = rows
    classes = fit_classes(embeddings, truth, NAMES)
    node = helper.make_node("Identity", ["given"], ["embedding"])
    given, told = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 4]) for name in ("given", "embedding")
    )
    graph = helper.make_graph([node], "embedding", [given], [told])
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), str(path))
    add_distance(path, classes)
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    [found] = session.run(["scope_distance"], {"given": embeddings.astype(np.float32)})
    assert found.shape == (60, 1)
    assert found[:, 0] == pytest.approx(classes.distances(embeddings), rel=1e-3, abs=1e-3)


def test_what_tells_more_is_chosen_and_distance_without_an_unknown_row() -> None:
    known = np.array([True, True, False, False])
    perfect, useless = np.array([4.0, 3.0, 2.0, 1.0]), np.zeros(4)
    choice = choose_scope({"energy": perfect, "distance": useless}, known)
    assert (choice.taken, choice.auroc) == ("energy", {"energy": 1.0, "distance": 0.5})
    assert choose_scope({"energy": useless, "distance": perfect}, known).taken == "distance"
    blind = choose_scope({"energy": perfect, "distance": useless}, np.ones(4, dtype=bool))
    assert (blind.taken, blind.auroc) == ("distance", {})
