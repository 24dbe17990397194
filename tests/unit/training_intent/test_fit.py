"""The training loop: the same by seed, the same after an interruption, and it learns."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from training.intent.batches import encode, shuffled
from training.intent.config import TrainConfig
from training.intent.fit import Diverged, State, Trainer
from training.intent.network import IntentNetwork, load_encoder, merged, train_spoken, with_lora
from training.intent.rows import Row, UnusableData, Vocabulary, split
from training.intent.steps import rate


def trainer(base: Path, rows: Sequence[Row], config: TrainConfig, folder: Path, *, resume: bool = False) -> Trainer:
    torch.manual_seed(config.seed)
    encoder, tokenizer = load_encoder(base, None)
    vocabulary = Vocabulary.of(rows)
    train, validation = split(rows, config.validation_share, seed=config.seed)
    classes = {task: len(names) for task, names in vocabulary.classes.items()}
    parts = [encode(each, tokenizer, vocabulary, prefix="", max_tokens=48) for each in (train, validation)]
    network = IntentNetwork(encoder, classes, dropout=config.dropout)
    folder.mkdir(exist_ok=True)
    return Trainer(network, *parts, train, vocabulary, 1, config, folder, lambda name, share: None, resume=resume)


def same(one: State, other: State) -> bool:
    weights = all(torch.equal(value, other.best_weights[name]) for name, value in one.best_weights.items())
    return weights and one.history == other.history and one.best_epoch == other.best_epoch


def test_it_learns_and_the_seed_decides_everything(
    tiny_base: Path, tiny_rows: list[Row], tiny_config: TrainConfig, tmp_path: Path
) -> None:
    first = trainer(tiny_base, tiny_rows, tiny_config, tmp_path / "a").fit()
    second = trainer(tiny_base, tiny_rows, tiny_config, tmp_path / "b").fit()
    other = trainer(tiny_base, tiny_rows, replace(tiny_config, seed=8), tmp_path / "c").fit()
    assert same(first, second)
    assert not same(first, other)
    assert first.history[-1]["intent"] > 0.9
    assert len(list((tmp_path / "a" / "tensorboard").iterdir())) == 1


def test_an_interrupted_run_ends_as_one_that_was_not(
    tiny_base: Path, tiny_rows: list[Row], tiny_config: TrainConfig, tmp_path: Path
) -> None:
    whole = trainer(tiny_base, tiny_rows, tiny_config, tmp_path / "whole").fit()
    trainer(tiny_base, tiny_rows, tiny_config, tmp_path / "cut").fit(until=1)
    resumed = trainer(tiny_base, tiny_rows, tiny_config, tmp_path / "cut", resume=True).fit()
    assert resumed.epoch == whole.epoch == 10
    assert same(whole, resumed)


@pytest.mark.parametrize("better", [True, False])
def test_what_goes_on_keeps_the_weights_halfway_back_where_they_score_better(
    tiny_base: Path,
    tiny_rows: list[Row],
    tiny_config: TrainConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    better: bool,
) -> None:
    ended = trainer(tiny_base, tiny_rows, tiny_config, tmp_path / "plain").fit()
    going_on = trainer(tiny_base, tiny_rows, tiny_config, tmp_path / "on")
    going_on.goes_on = True
    begun = {name: value.detach().clone() for name, value in going_on.network.named_parameters()}
    validate = going_on._validate
    told = iter([*({"score": 0.5} for _ in range(tiny_config.epochs)), {"score": 0.6 if better else 0.4}])
    monkeypatch.setattr(Trainer, "_validate", lambda self: validate() | next(told))
    state = going_on.fit()
    monkeypatch.undo()
    assert state.halfway["score"] == (0.6 if better else 0.4)
    # with every epoch as good as the first, the first is the one that is kept
    first = trainer(tiny_base, tiny_rows, tiny_config, tmp_path / "first").fit(until=1).best_weights
    expected = {name: (begun[name] + value) / 2 if better else value for name, value in first.items()}
    assert all(torch.equal(value, expected[name]) for name, value in state.best_weights.items())
    assert all(torch.equal(dict(going_on.network.named_parameters())[name], value) for name, value in expected.items())
    assert ended.halfway == {}


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda whole: b"",
    "another file": lambda whole: b"hello",
    "cut": lambda whole: whole[: len(whole) // 2],
    "bits turned": lambda whole: whole[: len(whole) // 2] + b"\xa5" * 64 + whole[len(whole) // 2 + 64 :],
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_checkpoint_is_named_with_what_to_do(
    tiny_base: Path, tiny_rows: Sequence[Row], tiny_config: TrainConfig, tmp_path: Path, damage: str
) -> None:
    path = tmp_path / "checkpoint.pt"
    trainer(tiny_base, tiny_rows, tiny_config, tmp_path).fit(until=1)
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    with pytest.raises(UnusableData) as refused:
        trainer(tiny_base, tiny_rows, tiny_config, tmp_path, resume=True).fit()
    assert str(refused.value) == f"{path} is damaged, so that there is nothing to go on from: name another --out"


def test_the_checkpoint_of_another_configuration_is_refused(
    tiny_base: Path, tiny_rows: list[Row], tiny_config: TrainConfig, tmp_path: Path
) -> None:
    trainer(tiny_base, tiny_rows, tiny_config, tmp_path).fit(until=1)
    other = trainer(tiny_base, tiny_rows, replace(tiny_config, learning_rate=1e-3), tmp_path, resume=True)
    with pytest.raises(UnusableData, match="another --out"):
        other.fit()
    of_other_rows = trainer(
        tiny_base, [replace(row, text=f"{row.text}x") for row in tiny_rows], tiny_config, tmp_path, resume=True
    )
    with pytest.raises(UnusableData, match="another --out"):
        of_other_rows.fit()
    from_elsewhere = trainer(tiny_base, tiny_rows, tiny_config, tmp_path, resume=True)
    from_elsewhere.base = "another"
    with pytest.raises(UnusableData, match="another --out"):
        from_elsewhere.fit()


def test_weights_that_are_no_numbers_end_the_run(
    tiny_base: Path, tiny_rows: list[Row], tiny_config: TrainConfig, tmp_path: Path
) -> None:
    wild = replace(tiny_config, learning_rate=1e9)
    with pytest.raises(Diverged, match="try a lower learning rate"):
        trainer(tiny_base, tiny_rows, wild, tmp_path).fit()


def test_it_stops_when_validation_no_longer_gains(
    tiny_base: Path, tiny_rows: list[Row], tiny_config: TrainConfig, tmp_path: Path
) -> None:
    still = replace(tiny_config, learning_rate=0.0, head_learning_rate=0.0, epochs=9, patience=2)
    state = trainer(tiny_base, tiny_rows, still, tmp_path).fit()
    assert (state.best_epoch, state.epoch) == (1, 3)


def test_frozen_words_stay_what_they_were(
    tiny_base: Path, tiny_rows: list[Row], tiny_config: TrainConfig, tmp_path: Path
) -> None:
    run = trainer(tiny_base, tiny_rows, tiny_config, tmp_path)
    train_spoken(run.network, ())
    before = run.network.encoder.get_input_embeddings().weight.clone()
    dense = run.network.encoder.encoder.layer[0].output.dense.weight.clone()
    run.fit(until=1)
    assert torch.equal(run.network.encoder.get_input_embeddings().weight, before)
    assert not torch.equal(run.network.encoder.encoder.layer[0].output.dense.weight, dense)


def test_only_spoken_words_are_trained(
    tiny_base: Path, tiny_rows: list[Row], tiny_config: TrainConfig, tmp_path: Path
) -> None:
    run = trainer(tiny_base, tiny_rows, tiny_config, tmp_path)
    spoken = sorted({token for tokens in run.train.tokens for token in tokens})
    before = run.network.encoder.get_input_embeddings().weight.detach().clone()
    train_spoken(run.network, spoken)
    run.fit(until=1)
    changed = (run.network.encoder.get_input_embeddings().weight != before).any(dim=1)
    assert changed.nonzero().flatten().tolist() == spoken
    assert len(spoken) < len(before)


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")  # peft still asks for it
def test_low_rank_updates_train_and_fold_into_the_weights(
    tiny_base: Path, tiny_rows: list[Row], tiny_config: TrainConfig, tmp_path: Path
) -> None:
    run = trainer(tiny_base, tiny_rows, tiny_config, tmp_path)
    run.network = with_lora(run.network, 4)
    run.fit(until=2)
    ids, mask = torch.tensor([[0, 5, 6, 2]]), torch.ones(1, 4, dtype=torch.long)
    run.network.eval()
    with torch.inference_mode():
        apart = run.network(ids, mask)["intent"]
        folded = merged(run.network)(ids, mask)["intent"]
    assert type(run.network.encoder).__name__ == "BertModel"
    torch.testing.assert_close(folded, apart, atol=1e-5, rtol=0)


def test_the_rate_rises_then_falls_to_a_twentieth() -> None:
    assert [rate(step, 100, 0.1) for step in (0, 9)] == [0.1, 1.0]
    assert rate(10, 100, 0.1) == pytest.approx(1.0)
    assert rate(100, 100, 0.1) == pytest.approx(0.05)


def test_processes_share_an_epoch_without_overlap(tiny_base: Path, tiny_rows: list[Row]) -> None:
    import numpy as np

    _, tokenizer = load_encoder(tiny_base, None)
    data = encode(tiny_rows, tokenizer, Vocabulary.of(tiny_rows), prefix="", max_tokens=48)
    seen = [
        [
            place
            for batch in shuffled(data, 8, 1, np.random.default_rng(0), share=(process, 2))
            for place in batch.places
        ]
        for process in (0, 1)
    ]
    assert not set(seen[0]) & set(seen[1])
    assert len(seen[0]) + len(seen[1]) >= len(tiny_rows) - 16
