"""Heads that begin as linear discriminants: as the definition has them, as sure as rows allow, and only where a head is fresh."""

from pathlib import Path

import numpy as np
import pytest
import torch

from services.intent.trained.confidence import Floats
from training.intent import fit, probing
from training.intent.batches import Encoded, encode
from training.intent.config import TrainConfig
from training.intent.fit import Trainer
from training.intent.network import IntentNetwork, load_encoder
from training.intent.prediction import predict
from training.intent.probing import MODESTY, SHRINKAGES, begin_heads, discriminant
from training.intent.rows import UNKNOWN, Row, Vocabulary

Drawn = tuple[Floats, np.ndarray]


def drawn(rows: int, *, seed: int, classes: int = 3, width: int = 20) -> Drawn:
    """Embeddings around centres that are the same for every seed, and the class of each; the first is half of all."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(0).standard_normal((classes, width))
    truth = random.choice(classes, rows, p=[0.5, *[0.5 / (classes - 1)] * (classes - 1)])
    return centres[truth] + 1.5 * random.standard_normal((rows, width)), truth


def log_loss(logits: Floats, truth: np.ndarray) -> float:
    return float(torch.nn.functional.cross_entropy(torch.from_numpy(logits), torch.from_numpy(truth)))


def test_discriminants_are_those_of_the_definition_but_for_their_scale() -> None:
    embeddings, truth = drawn(300, seed=1)
    weight, bias = discriminant(embeddings, truth, 3)
    means = np.stack([embeddings[truth == each].mean(axis=0) for each in range(3)])
    spread = embeddings - means[truth]
    covariance = spread.T @ spread / 300
    prior = np.log((np.bincount(truth) + 1) / 303)
    found = []
    for shrinkage in SHRINKAGES:
        shrunk = covariance + shrinkage * np.trace(covariance) / 20 * np.eye(20)
        expected = np.linalg.solve(shrunk, means.T).T
        offset = (means * expected).sum(axis=1) / 2
        expected -= expected.mean(axis=0)
        scale = float((weight / expected).mean())
        alike = weight == pytest.approx(scale * expected)
        left = prior - scale * offset
        found += [alike and bias == pytest.approx(left - left.mean())]
        assert not alike or scale > 0
    assert found.count(True) == 1


@pytest.mark.parametrize(("rows", "near"), [(12, 1.6), (30, 1.4), (1000, 1.1)])
def test_they_are_as_sure_as_their_rows_allow(rows: int, near: float) -> None:
    embeddings, truth = drawn(rows, seed=2)
    weight, bias = discriminant(embeddings, truth, 3)
    others, theirs = drawn(2000, seed=3)
    logits = others @ weight.T + bias
    losses = {scale: log_loss(scale * (logits - bias) + bias, theirs) for scale in (0.25, 0.5, 1.0, 2.0, 4.0)}
    assert losses[1.0] < log_loss(np.tile(np.log([0.5, 0.25, 0.25]), (2000, 1)), theirs)
    assert losses[1.0] < near * (min(losses.values()) + MODESTY)


def test_a_class_without_a_row_takes_none_from_those_that_have() -> None:
    embeddings, truth = drawn(300, seed=4)
    weight, bias = discriminant(embeddings, truth, 4)
    logits = embeddings @ weight.T + bias
    assert np.isfinite(logits).all()
    assert (logits.argmax(axis=1) == truth).mean() > 0.9


@pytest.mark.parametrize("rows", [1, 2])
def test_a_row_or_two_are_enough_to_begin(rows: int) -> None:
    weight, bias = discriminant(np.ones((rows, 4)), np.zeros(rows, dtype=np.int64), 2)
    assert np.isfinite(weight).all()
    assert bias[0] > bias[1]


def parts(base: Path, rows: list[Row]) -> tuple[IntentNetwork, Encoded, Vocabulary]:
    torch.manual_seed(0)
    encoder, tokenizer = load_encoder(base, None)
    vocabulary = Vocabulary.of(rows)
    data = encode(rows, tokenizer, vocabulary, prefix="", max_tokens=48)
    sizes = {task: len(names) for task, names in vocabulary.classes.items()}
    return IntentNetwork(encoder, sizes, dropout=0.1), data, vocabulary


def test_only_the_heads_that_are_named_begin_so_and_they_know_their_rows(tiny_base: Path, tiny_rows: list[Row]) -> None:
    network, data, vocabulary = parts(tiny_base, tiny_rows)
    assert len(vocabulary.classes) > 1
    before = {name: value.detach().clone() for name, value in network.named_parameters()}
    state = torch.get_rng_state()
    begin_heads(network, ["intent"], data, 1, seed=0, half=False)
    assert torch.equal(torch.get_rng_state(), state)
    changed = {name for name, value in network.named_parameters() if not torch.equal(value, before[name])}
    assert changed == {"heads.intent.weight", "heads.intent.bias"}
    logits, truth = predict(network, data, 1)["intent"], data.targets["intent"].numpy()
    assert (logits.argmax(axis=1) == truth).mean() > 0.9
    assert log_loss(logits, truth) < 0.9 * np.log(len(vocabulary.classes["intent"]))


def test_a_head_of_which_no_row_knows_anything_stays_as_it_is(tiny_base: Path, tiny_rows: list[Row]) -> None:
    network, data, _ = parts(tiny_base, tiny_rows)
    silent = Encoded(data.tokens, {task: torch.full_like(values, UNKNOWN) for task, values in data.targets.items()})
    before = network.heads["intent"].weight.detach().clone()
    begin_heads(network, ["intent"], silent, 1, seed=0, half=False)
    assert torch.equal(network.heads["intent"].weight, before)


def test_of_very_many_rows_some_are_enough(
    tiny_base: Path, tiny_rows: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    network, data, _ = parts(tiny_base, tiny_rows)
    monkeypatch.setattr(probing, "MOST_ROWS", 20)
    seen: list[int] = []
    embed = probing.embed
    monkeypatch.setattr(
        probing,
        "embed",
        lambda network, data, *rest, **more: seen.append(len(data)) or embed(network, data, *rest, **more),
    )
    begin_heads(network, ["intent"], data, 1, seed=0, half=False)
    assert seen == [20]


def test_classes_that_nothing_confuses_are_not_told_beyond_all_doubt() -> None:
    truth = np.arange(90) % 3
    embeddings = np.eye(3)[truth] + 0.001 * np.random.default_rng(0).standard_normal((90, 3))
    weight, bias = discriminant(embeddings, truth, 3)
    logits = embeddings @ weight.T + bias
    assert 0.8 < np.exp(-log_loss(logits, truth)) < 0.99


def test_a_run_that_is_resumed_does_not_begin_again(
    tiny_base: Path, tiny_rows: list[Row], tiny_config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(folder: Path, *, resume: bool = False) -> Trainer:
        network, data, vocabulary = parts(tiny_base, tiny_rows)
        folder.mkdir(exist_ok=True)
        return Trainer(
            network,
            data,
            data,
            tiny_rows,
            vocabulary,
            1,
            tiny_config,
            folder,
            lambda stage, share: stages.append(stage),
            resume=resume,
            fresh=["intent"],
        )

    stages: list[str] = []
    run(tmp_path / "cut").fit(until=1)
    assert stages[0] == "heads"
    stages.clear()
    with monkeypatch.context() as patched:
        patched.setattr(fit, "begin_heads", lambda *given, **named: pytest.fail("heads began again"))
        resumed = run(tmp_path / "cut", resume=True).fit(until=2)
    assert "heads" not in stages
    assert run(tmp_path / "whole").fit(until=2).history == resumed.history
