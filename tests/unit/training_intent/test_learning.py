"""A run's members: they begin alike, learn apart and end as their mean, after an interruption too."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from training.intent import learning
from training.intent.config import TrainConfig
from training.intent.fit import CHECKPOINT, Trainer
from training.intent.learning import APART, Learner, learn, learner_of
from training.intent.material import Material, divide, prepare
from training.intent.reopened import start_from
from training.intent.rows import Row


def silent(stage: str, share: float) -> None:
    """No progress."""


@pytest.fixture
def begun(tiny_base: Path, tiny_rows: list[Row], tiny_config: TrainConfig) -> Callable[..., tuple[Learner, Material]]:
    def begin(config: TrainConfig = tiny_config) -> tuple[Learner, Material]:
        torch.manual_seed(config.seed)
        start = start_from(tiny_base, None)
        material = prepare(divide(tiny_rows, [], config), [], start.tokenizer, config)
        return learner_of(start, material, config), material

    return begin


@pytest.fixture
def short(tiny_config: TrainConfig) -> TrainConfig:
    return replace(tiny_config, epochs=2)


def best_of(folder: Path) -> dict[str, Tensor]:
    state: dict[str, Tensor] = torch.load(folder / CHECKPOINT, weights_only=True)["state"]["best_weights"]
    return state


def weights_of(learner: Learner) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in learner.network.named_parameters() if value.requires_grad}


def alike(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


def test_members_learn_apart_and_the_network_is_their_mean(
    begun: Callable[..., tuple[Learner, Material]], short: TrainConfig, tmp_path: Path, tiny_base: Path
) -> None:
    learner, material = begun(short)
    told: list[tuple[str, float]] = []
    learned = learn(
        learner, tiny_base, material, tmp_path, short, lambda stage, share: told.append((stage, share)), resume=False
    )
    first, second = best_of(tmp_path), best_of(tmp_path / "member-2")
    assert not alike(first, second)
    assert alike(weights_of(learner), {name: (value + second[name]) / 2 for name, value in first.items()})
    assert learned is not None
    assert learned.to_json().keys() == {"members", "mean"}
    assert [len(each["epochs"]) for each in learned.to_json()["members"]] == [2, 2]
    assert told[0] == ("heads", 0.0)
    assert {stage.split(":")[0] for stage, _ in told[1:]} == {"member 1", "member 2"}
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


@pytest.mark.parametrize("cut", [(0, 1), (1, 1)])
def test_what_was_interrupted_in_any_member_ends_as_what_was_not(
    begun: Callable[..., tuple[Learner, Material]],
    short: TrainConfig,
    tmp_path: Path,
    tiny_base: Path,
    cut: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (whole, material), broken, resumed = begun(short), begun(short)[0], begun(short)[0]
    learn(whole, tiny_base, material, tmp_path / "whole", short, silent, resume=False)
    member, epochs = cut
    run = Trainer.fit

    def interrupted(trainer: Trainer) -> object:
        if trainer.folder == [tmp_path / "cut", tmp_path / "cut" / "member-2"][member]:
            run(trainer, until=epochs)
            raise KeyboardInterrupt
        return run(trainer)

    monkeypatch.setattr(Trainer, "fit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        learn(broken, tiny_base, material, tmp_path / "cut", short, silent, resume=False)
    monkeypatch.undo()
    learn(resumed, tiny_base, material, tmp_path / "cut", short, silent, resume=True)
    assert alike(weights_of(resumed), weights_of(whole))


def test_heads_do_not_begin_again_in_a_run_that_is_over(
    begun: Callable[..., tuple[Learner, Material]],
    short: TrainConfig,
    tmp_path: Path,
    tiny_base: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (once, material), again = begun(short), begun(short)[0]
    learn(once, tiny_base, material, tmp_path, short, silent, resume=False)
    monkeypatch.setattr(learning, "begin_heads", lambda *given, **named: pytest.fail("heads began again"))
    learn(again, tiny_base, material, tmp_path, short, silent, resume=True)
    assert alike(weights_of(again), weights_of(once))


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")  # peft still asks for it
@pytest.mark.parametrize("why", ["told", "lora", "kept"])
def test_there_is_one_member_where_it_is_told_or_no_mean_would_be_right(
    begun: Callable[..., tuple[Learner, Material]], short: TrainConfig, tmp_path: Path, tiny_base: Path, why: str
) -> None:
    config = replace(short, members=1) if why == "told" else replace(short, lora_rank=2) if why == "lora" else short
    learner, material = begun(config)
    if why == "kept":
        learner = replace(learner, heads_kept=list(material.vocabulary.classes))
    learned = learn(learner, tiny_base, material, tmp_path, config, silent, resume=False)
    assert learned is not None
    assert len(learned.members) == 1
    assert learned.mean == {}
    assert alike(weights_of(learner), best_of(tmp_path))
    assert not (tmp_path / "member-2").exists()


@pytest.mark.parametrize(("behind", "taken"), [(APART * 0.9, False), (APART * 1.1, True)])
def test_a_member_alone_is_taken_where_the_mean_has_lost_them(
    begun: Callable[..., tuple[Learner, Material]],
    short: TrainConfig,
    tmp_path: Path,
    tiny_base: Path,
    monkeypatch: pytest.MonkeyPatch,
    behind: float,
    taken: bool,
) -> None:
    learner, material = begun(short)
    scores: Sequence[float] = [0.7, 0.8, 0.6, 0.7, 0.8 - behind]
    told = iter(scores)
    monkeypatch.setattr(Trainer, "validate", lambda trainer: {"score": next(told)})
    learned = learn(learner, tiny_base, material, tmp_path, short, silent, resume=False)
    assert learned is not None
    assert learned.mean == {"score": 0.8 - behind}
    assert alike(weights_of(learner), best_of(tmp_path)) is taken
