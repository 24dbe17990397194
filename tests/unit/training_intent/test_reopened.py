"""A package is read back into the network that it was made of, in whichever form it was written, and a run goes on from there."""

import json
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from services.intent.model import ModelRefused
from services.intent.trained.package import Step, newest_shipped, read_package
from services.intent.trained.tokens import open_tokenizer
from tests.unit.training_intent.conftest import rounding
from tests.unit.training_intent.wide import wide_encoder, wide_looks
from training.intent.batches import Encoded
from training.intent.calibration import Calibration
from training.intent.config import TrainConfig
from training.intent.export import export_onnx
from training.intent.lineage import lineage_of
from training.intent.making import Made, make_model
from training.intent.network import IntentNetwork, load_encoder
from training.intent.package import Card, seal, write_package
from training.intent.prediction import predict
from training.intent.quantise import WAYS, quantise
from training.intent.reopened import Start, reading_of, reopen, start_from
from training.intent.rows import Row
from training.intent.served import Answers

CLASSES = {"intent": ("buy", "help", "other"), "sentiment": ("negative", "positive")}
SPOKEN = (9, 20, 33)
EVENED = re.compile(r"layer\d+_outer_weight_(evened|quantized|scale)$")
"""Constants of products whose activations are evened out."""
MADE_OF = (Step(base="some/encoder", texts=70), Step(base="tiny 0123456789ab", texts=50))


@dataclass(frozen=True, slots=True)
class Packed:
    """A package of a network, written in float32 (`way` is None) or in one of the ways of int8."""

    folder: Path
    way: int | None


def random_network() -> IntentNetwork:
    """Two layers, wide enough for whole blocks; every weight is random, and those of words that none spoke have four bits."""
    heads = {task: len(names) for task, names in CLASSES.items()}
    network = IntentNetwork(wide_encoder(layer_norm_eps=1e-5), heads, dropout=0.0)
    with torch.no_grad():
        for value in network.parameters():
            value.add_(0.05 * torch.randn_like(value))
        blocks = torch.randint(-8, 8, (64, 4, 32))
        blocks[:, :, 0] = -8
        table = (blocks * torch.rand(64, 4, 1) * 0.02).reshape(64, 128)
        table[list(SPOKEN)] += 0.01 * torch.randn(len(SPOKEN), 128)
        network.encoder.embeddings.word_embeddings.weight.copy_(table)
    return network.eval()


def written(network: IntentNetwork, folder: Path, way: int | None) -> Path:
    """The file that is served of a network."""
    path = folder / "model.onnx"
    export_onnx(network, path)
    if way is None:
        return path
    scores = iter([0.0] * way + [1.0])
    quantise(
        path,
        folder / "int8.onnx",
        spoken=SPOKEN,
        looks=lambda: wide_looks(path),
        reference=1.0,
        score=lambda draft: next(scores),
    )
    return folder / "int8.onnx"


def pack(base: Path, folder: Path, way: int | None) -> Packed:
    _, tokenizer = load_encoder(base, None)
    card = Card("tiny", CLASSES, "passage: ", 24, 1, MADE_OF, str(base))
    tried: dict[str, object] = {"taken": None if way is None else WAYS[way].name, "float": 1.0, "tried": []}
    report = {"quantisation": tried, "config": {"layers": None}, "validation": {}}
    calibration = Calibration(dict.fromkeys(CLASSES, 1.0))
    write_package(folder, written(random_network(), folder, way), tokenizer, card, calibration, report)
    return Packed(folder / "package", way)


@pytest.fixture(scope="module", params=[None, *range(len(WAYS))], ids=["float32", *(way.name for way in WAYS)])
def packed(request: pytest.FixtureRequest, tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Packed:
    """In every form that there is."""
    return pack(tiny_base, tmp_path_factory.mktemp("packed"), request.param)


@pytest.fixture(scope="module")
def package(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """In the first way of int8."""
    return pack(tiny_base, tmp_path_factory.mktemp("package"), 0).folder


@pytest.fixture(scope="module")
def trained(
    tiny_base: Path, tiny_rows: list[Row], tiny_config: TrainConfig, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    out = tmp_path_factory.mktemp("trained")
    made = make_model(tiny_rows, base=tiny_base, out=out, config=tiny_config, progress=lambda name, share: None)
    return made.folder / "package"


def network_of(start: Start) -> IntentNetwork:
    network = IntentNetwork(start.encoder, {task: len(names) for task, names in CLASSES.items()}, dropout=0.0)
    assert start.give_heads(network, CLASSES) == list(CLASSES)
    return network.eval()


def constants(path: Path) -> dict[str, np.ndarray]:
    return {each.name: numpy_helper.to_array(each) for each in onnx.load(str(path)).graph.initializer}


def correlation(some: np.ndarray, others: np.ndarray) -> float:
    return float(np.corrcoef(some.astype(float).ravel(), others.astype(float).ravel())[0, 1])


def test_the_network_says_what_the_served_file_says(packed: Packed) -> None:
    random = np.random.default_rng(2)
    data = Encoded([random.integers(0, 64, size).tolist() for size in random.integers(1, 33, 50)], {})
    ours = predict(network_of(reopen(packed.folder)), data, 1)
    theirs = Answers(data, 1, tuple(CLASSES)).logits(packed.folder / "model.onnx")
    for task in CLASSES:
        if packed.way is None:
            np.testing.assert_allclose(ours[task], theirs[task], atol=1e-5)
        else:
            assert np.abs(ours[task] - theirs[task]).mean() < 0.1 * theirs[task].std()


def test_what_was_read_is_written_as_it_was(packed: Packed, tmp_path: Path) -> None:
    before = constants(packed.folder / "model.onnx")
    after = constants(written(network_of(reopen(packed.folder)), tmp_path, packed.way))
    assert after.keys() == before.keys()
    evened = "layer0_outer_weight_evened" in before
    looked_at = {name for name in before if evened and EVENED.match(name)}  # depends on what goes in, to the last bits
    for name, values in before.items():
        if name in looked_at:
            assert correlation(after[name], values) > 0.999, name
            continue
        np.testing.assert_allclose(after[name].astype(float), values.astype(float), rtol=1e-6, err_msg=name)


def test_the_encoders_shape_comes_from_the_graph(packed: Packed) -> None:
    start = reopen(packed.folder)
    config = start.encoder.config
    assert (config.num_hidden_layers, config.num_attention_heads) == (2, 4)
    assert (config.hidden_size, config.intermediate_size) == (128, 256)
    assert (config.vocab_size, config.max_position_embeddings, config.pad_token_id) == (64, 32, 1)
    assert config.layer_norm_eps == pytest.approx(1e-5)
    assert list(start.trained_words) == ([] if packed.way is None else list(SPOKEN))


def test_texts_are_read_as_the_package_reads_them(package: Path, tiny_base: Path) -> None:
    assert reading_of(package) == {"prefix": "passage: ", "max_tokens": 24}
    assert reading_of(tiny_base) == {}
    tokenizer = start_from(package, None).tokenizer
    texts = ["买课 aa3", "", "where is zzz?" * 9]
    served = open_tokenizer(read_package(package)).encode_batch_fast(texts)
    assert tokenizer(texts)["input_ids"] == [each.ids for each in served]
    assert tokenizer.pad_token_id == 1


def test_layers_are_those_of_the_package(package: Path) -> None:
    cut = start_from(package, (1,)).encoder
    whole = reopen(package).encoder
    assert len(cut.encoder.layer) == cut.config.num_hidden_layers == 1
    assert torch.equal(cut.encoder.layer[0].output.dense.weight, whole.encoder.layer[1].output.dense.weight)
    with pytest.raises(ValueError, match="layers 0 to 1"):
        start_from(package, (2,))


def test_a_head_is_kept_where_the_classes_are_the_same_and_in_the_same_order(package: Path) -> None:
    start = reopen(package)
    classes = {"intent": ("buy", "help"), "sentiment": CLASSES["sentiment"], "purchase": ("buy", "not_buy")}
    network = IntentNetwork(start.encoder, {task: len(names) for task, names in classes.items()}, dropout=0.0)
    fresh = network.heads["purchase"].state_dict()["weight"].clone()
    assert start.give_heads(network, classes) == ["sentiment"]
    assert torch.equal(network.heads["sentiment"].state_dict()["weight"], start.heads["sentiment"]["weight"])
    assert torch.equal(network.heads["purchase"].state_dict()["weight"], fresh)
    turned = {**classes, "sentiment": ("positive", "negative")}
    assert start.give_heads(network, turned) == []


def go_on(base: Path, rows: list[Row], config: TrainConfig, out: Path) -> Made:
    return make_model(rows, base=base, out=out, config=config, progress=lambda name, share: None, validation=rows[::2])


def test_a_run_of_one_epoch_at_a_low_rate_keeps_what_was_learned(
    trained: Path, tiny_rows: list[Row], tiny_config: TrainConfig, tmp_path: Path
) -> None:
    config = replace(tiny_config, epochs=1, learning_rate=1e-5, head_learning_rate=1e-5)
    made = go_on(trained, tiny_rows, config, tmp_path)
    assert made.report["heads_kept"] == ["intent", "sentiment", "purchase"]
    assert made.report["parity"] < rounding(made.folder)
    assert made.report["halfway"]["score"] == 1.0
    assert "halfway" not in json.loads((trained.parent / "report.json").read_bytes())
    assert [found["accuracy"] for found in made.report["validation"].values()] == [1.0, 1.0, 1.0]


def test_a_package_tells_every_run_that_made_it(
    trained: Path, tiny_base: Path, tiny_rows: list[Row], tiny_config: TrainConfig, tmp_path: Path
) -> None:
    first = read_package(trained)
    known = first.description.lineage[0].texts
    assert first.description.lineage == (Step(base=tiny_base.name, texts=known),)
    assert f"from `{tiny_base.name}` with all of its layers, fine-tuned on {known} texts." in card_of(trained)
    config = replace(tiny_config, epochs=1)
    second = go_on(trained, tiny_rows, config, tmp_path).folder / "package"
    base = f"intent {first.manifest.version}"
    assert lineage_of(read_package(second)) == (*first.description.lineage, Step(base=base, texts=90))
    told = f"`{base}` had been made from `{tiny_base.name}` on {known} texts."
    assert f"from `{base}` with all of its layers, fine-tuned on 90 texts." in card_of(second)
    assert told in card_of(second)


def card_of(package: Path) -> str:
    return (package / "README.md").read_text(encoding="utf-8")


def test_an_older_packages_last_run_is_read_from_its_card(package: Path, tmp_path: Path) -> None:
    assert start_from(package, None).lineage == MADE_OF
    folder = Path(shutil.copytree(package, tmp_path / "package"))
    told = json.loads((folder / "model.json").read_bytes())
    del told["lineage"]
    (folder / "model.json").write_text(json.dumps(told))
    seal(folder, "tiny")
    assert start_from(folder, None).lineage == MADE_OF[1:]
    (folder / "README.md").unlink()
    seal(folder, "tiny")
    assert start_from(folder, None).lineage == ()


def test_the_package_that_ships_tells_its_runs() -> None:
    shipped = newest_shipped()
    assert shipped is not None
    assert lineage_of(read_package(shipped)) == (
        Step(base="a9b6af8b2752", texts=17_816),
        Step(base="intent 98355d8e2709", texts=21_846),
        Step(base="intent e5dc0786083e", texts=34_781),
    )


def test_what_an_older_run_left_in_the_folder_is_not_in_the_package(tiny_base: Path, tmp_path: Path) -> None:
    noticed = Path(shutil.copytree(tiny_base, tmp_path / "base"))
    (noticed / "NOTICE").write_text("somebody's terms")
    pack(noticed, tmp_path, None)
    assert (tmp_path / "package" / "NOTICE").read_text() == "somebody's terms"
    pack(tiny_base, tmp_path, None)
    assert not (tmp_path / "package" / "NOTICE").exists()


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "model.json"])
def test_a_damaged_package_is_refused(package: Path, tmp_path: Path, name: str) -> None:
    folder = Path(shutil.copytree(package, tmp_path / "package"))
    (folder / name).write_bytes((folder / name).read_bytes()[:-1])
    with pytest.raises(ModelRefused, match=f"damaged.*checksum of {name}"):
        start_from(folder, None)


@pytest.mark.parametrize("name", ["manifest.json", "model.json"])
def test_half_a_package_is_refused(package: Path, tmp_path: Path, name: str) -> None:
    folder = Path(shutil.copytree(package, tmp_path / "package"))
    (folder / name).unlink()
    with pytest.raises(ModelRefused, match="damaged"):
        start_from(folder, None)


@pytest.mark.parametrize("prefix", ["word", "layer1_qkv_bias", "layer0_outer_weight", "intent_weight"])
def test_a_graph_of_somebody_else_is_refused(package: Path, tmp_path: Path, prefix: str) -> None:
    folder = Path(shutil.copytree(package, tmp_path / "package"))
    model = onnx.load(str(folder / "model.onnx"))
    for each in [each for each in model.graph.initializer if each.name.startswith(prefix)]:
        model.graph.initializer.remove(each)
    onnx.save(model, str(folder / "model.onnx"))
    seal(folder, "tiny")
    with pytest.raises(ModelRefused, match=f"has no {prefix}.*none that kuajie train intent writes"):
        start_from(folder, None)
