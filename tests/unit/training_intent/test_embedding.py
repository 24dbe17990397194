"""An embedding that is read from several layers: near to the teacher's, and nothing else of the package is touched by it."""

import random
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from services.intent.trained.package import read_package
from training.intent.config import TrainConfig
from training.intent.embedding import FEWEST, give_meaning, texts_of
from training.intent.making import make_model
from training.intent.readout import NoEncoder, Readout, add_readout, add_states, explained, fit_readout, unit
from training.intent.reopened import UnusableBase, reopen
from training.intent.rows import Row, UnusableData

IDS = np.array([[0, 5, 6, 7, 2], [0, 9, 2, 1, 1]], dtype=np.int64)
FEEDS = {"input_ids": IDS, "attention_mask": (IDS != 1).astype(np.int64)}


def quiet(name: str, share: float) -> None: ...


@pytest.fixture(scope="module")
def before(
    tiny_base: Path, tiny_rows: list[Row], tiny_config: TrainConfig, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A package that judges scope by distance, with a file for GPUs."""
    known = [row for row in tiny_rows if row.labels["intent"] != "out_of_scope"]
    out, config = tmp_path_factory.mktemp("before"), replace(tiny_config, float16=True)
    return make_model(known, base=tiny_base, out=out, config=config, progress=quiet).folder / "package"


@pytest.fixture(scope="module")
def after(before: Path, tiny_base: Path, tiny_rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("after") / "package"
    give_meaning(before, tiny_base, tiny_rows, out=out, progress=quiet)
    return out


def said(path: Path) -> dict[str, np.ndarray]:
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_outputs()]
    return dict(zip(names, session.run(names, FEEDS), strict=True))


@pytest.mark.parametrize("file", ["model.onnx", "model.fp16.onnx"])
def test_logits_and_distance_stay_bit_for_bit(before: Path, after: Path, file: str) -> None:
    old, new = said(before / file), said(after / file)
    assert (
        old.keys()
        == new.keys()
        == {"intent_logits", "sentiment_logits", "purchase_logits", "embedding", "scope_distance"}
    )
    for name in old.keys() - {"embedding"}:
        np.testing.assert_array_equal(old[name], new[name])
    assert np.abs(old["embedding"] - new["embedding"]).max() > 0.1
    np.testing.assert_allclose(np.linalg.norm(new["embedding"], axis=1), 1.0, atol=1e-5)


def test_the_version_is_another_and_the_rest_of_the_package_is_the_same(before: Path, after: Path) -> None:
    old, new = read_package(before), read_package(after)
    assert old.manifest.version != new.manifest.version
    assert old.description == new.description
    changed = {name for name in old.manifest.files if old.manifest.files[name] != new.manifest.files[name]}
    assert changed == {"model.onnx", "model.fp16.onnx", "README.md"}


def test_padding_changes_no_embedding(after: Path) -> None:
    session = ort.InferenceSession(str(after / "model.fp16.onnx"), providers=["CPUExecutionProvider"])
    short = {name: values[1:, :3] for name, values in FEEDS.items()}
    [alone], [padded] = session.run(["embedding"], short), session.run(["embedding"], FEEDS)
    np.testing.assert_allclose(alone[0], padded[1], atol=2e-3)


def test_the_graph_gives_the_readout_of_its_states(before: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    add_states(before / "model.onnx", path)
    states = said(path)["readout_states"]
    assert states.shape == (2, 3 * 32)  # the words and both layers
    random_map = np.random.default_rng(2)
    readout = Readout(random_map.standard_normal((96, 7)), random_map.standard_normal(7))
    add_readout(path, readout)
    np.testing.assert_allclose(said(path)["embedding"], readout.embeddings(states), atol=2e-3)


def test_a_second_readout_takes_the_place_of_the_first(before: Path, after: Path, tmp_path: Path) -> None:
    paths = tmp_path / "once.onnx", tmp_path / "twice.onnx"
    for source, target in zip((before, after), paths, strict=True):
        add_states(source / "model.onnx", target)
        add_readout(target, Readout(np.eye(96, 5), np.zeros(5)))
    once, twice = (onnx.load(str(path)).graph for path in paths)
    assert sorted(node.name for node in once.node) == sorted(node.name for node in twice.node)
    for name, values in said(paths[0]).items():
        np.testing.assert_array_equal(values, said(paths[1])[name])


def test_a_run_can_go_on_from_such_a_package(before: Path, after: Path) -> None:
    old, new = reopen(before).encoder.state_dict(), reopen(after).encoder.state_dict()
    assert old.keys() == new.keys()
    assert all((old[name] == new[name]).all() for name in old)


def test_what_is_linear_is_found() -> None:
    draw = np.random.default_rng(5)
    states = draw.standard_normal((400, 6)) * [1, 10, 0.1, 1, 1, 1] + 3
    wanted = states[:, :4] @ draw.standard_normal((4, 3)) + 7
    assert explained(fit_readout(states[::2], wanted[::2]), states[1::2], wanted[1::2]) > 0.98
    noise = draw.standard_normal((400, 3))
    assert explained(fit_readout(states[::2], noise[::2]), states[1::2], noise[1::2]) < 0.1


def test_texts_are_asked_alone_and_passages_also_joined_within_a_label(tiny_rows: list[Row]) -> None:
    texts = texts_of(tiny_rows, random.Random(0))
    assert [text.split(": ")[0] for text in texts].count("query") == 60
    passages = [text for text in texts if text.startswith("passage: ")]
    joined = [text for text in passages if sum(map(text.count, ("买课", "退钱", "zzz"))) > 1]
    assert len(passages) == 60
    assert len(joined) == 30
    assert all(len({word for word in ("买课", "退钱", "zzz") if word in text}) == 1 for text in passages)


def test_what_cannot_be_used_is_said_and_leaves_nothing(
    before: Path, tiny_base: Path, tiny_rows: list[Row], tmp_path: Path
) -> None:
    out = tmp_path / "package"
    with pytest.raises(UnusableData, match=f"at least {FEWEST} texts, not 3"):
        give_meaning(before, tiny_base, tiny_rows[:3], out=out, progress=quiet)
    with pytest.raises(UnusableBase, match="cannot learn from"):
        give_meaning(before, tmp_path / "nothing", tiny_rows, out=out, progress=quiet)
    assert not out.exists()
    shutil.copytree(before, out)
    with pytest.raises(FileExistsError):
        give_meaning(before, tiny_base, tiny_rows, out=out, progress=quiet)


def test_a_foreign_graph_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph([], "none", [], [])), str(path))
    with pytest.raises(NoEncoder):
        add_states(path, path)


def test_unit_leaves_a_zero_be() -> None:
    np.testing.assert_allclose(unit(np.array([[3.0, 4.0], [0.0, 0.0]])), [[0.6, 0.8], [0.0, 0.0]])
