"""The table of words is kept as small as its precision allows, and each word reads the same."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from training.intent.words import WORDS, four_bits, scaled, shrink_words, words_of


def table_of_four_bits(rows: int, width: int) -> np.ndarray:
    random = np.random.default_rng(3)
    values = random.integers(-8, 8, (rows, width // 32, 32))
    values[:, :, 0] = -8
    scales = random.uniform(0.001, 0.1, (rows, width // 32, 1)) * random.choice([-1, 1], (rows, width // 32, 1))
    return (values * scales).reshape(rows, width).astype(np.float32)


def graph_of(table: np.ndarray) -> onnx.ModelProto:
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "tokens"])
    words = helper.make_tensor_value_info("words", TensorProto.FLOAT, ["batch", "tokens", table.shape[1]])
    gather = helper.make_node("Gather", [WORDS, "input_ids"], ["words"], name="words")
    body = helper.make_graph([gather], "words", [ids], [words], [numpy_helper.from_array(table, WORDS)])
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(body, opset_imports=opsets, ir_version=10)


def read(model: onnx.ModelProto, ids: np.ndarray, path: Path) -> np.ndarray:
    onnx.save(model, str(path))
    return np.asarray(ort.InferenceSession(str(path)).run(None, {"input_ids": ids})[0])


def test_each_word_has_a_scale_of_its_own() -> None:
    table = np.array([[100.0, -50.0], [0.01, 0.002], [0.0, 0.0]], dtype=np.float32)
    values, scales = scaled(table, axis=1)
    assert values.dtype == np.int8
    np.testing.assert_allclose(values * scales, table, atol=100 / 254)
    np.testing.assert_allclose((values * scales)[1], table[1], atol=0.01 / 254)
    assert not values[2].any()


def test_a_table_of_four_bits_is_given_back() -> None:
    table = table_of_four_bits(50, 64)
    kept = four_bits(table)
    assert kept is not None
    back = kept.values.reshape(50, 2, 32) * kept.scales[:, :, None]
    np.testing.assert_allclose(back.reshape(50, 64), table, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("width", [64, 48])
def test_a_table_of_more_bits_or_no_whole_blocks_is_not(width: int) -> None:
    assert four_bits(np.random.default_rng(4).normal(size=(20, width)).astype(np.float32)) is None


def test_trained_words_keep_eight_bits_and_the_others_their_four(tmp_path: Path) -> None:
    table = table_of_four_bits(40, 64)
    spoken = [2, 17, 39]
    table[spoken] += np.random.default_rng(5).normal(scale=0.01, size=(3, 64)).astype(np.float32)
    model = graph_of(table)
    shrink_words(model.graph, spoken)
    found = read(model, np.arange(40).reshape(2, 20), tmp_path / "words.onnx").reshape(40, 64)
    again, trained = words_of(model.graph)
    np.testing.assert_allclose(again, found, rtol=1e-6)
    assert trained == spoken
    others = [place for place in range(40) if place not in spoken]
    np.testing.assert_allclose(found[others], table[others], rtol=1e-5, atol=1e-7)
    assert np.abs(found[spoken] - table[spoken]).max() <= np.abs(table[spoken]).max() / 254 + 1e-7
    sizes = {each.name: tuple(each.dims) for each in model.graph.initializer}
    assert sizes["words_trained_table"] == (4, 64)
    assert sizes["words_other_int4"] == (38, 64)


def test_a_base_in_float_keeps_eight_bits_for_every_word(tmp_path: Path) -> None:
    table = np.random.default_rng(6).normal(size=(30, 64)).astype(np.float32)
    model = graph_of(table)
    shrink_words(model.graph, [1, 2])
    found = read(model, np.arange(30).reshape(3, 10), tmp_path / "words.onnx").reshape(30, 64)
    again, trained = words_of(model.graph)
    np.testing.assert_allclose(again, found, rtol=1e-6)
    assert trained == []
    assert (np.abs(found - table).max(axis=1) <= np.abs(table).max(axis=1) / 254 + 1e-6).all()
