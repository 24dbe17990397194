"""What a run learns: members that begin alike, learn on their own, and end as one, the mean of their weights.

From a common begin that knows the classes already, members stay near enough to each other for their mean to answer as well as all of
them together would, for the price of one (model soups, Wortsman et al. 2022).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from training.intent.average import mean_of, put
from training.intent.config import TrainConfig
from training.intent.fit import CHECKPOINT, State, Trainer, accelerator_here
from training.intent.material import Material
from training.intent.network import IntentNetwork, train_spoken, with_lora
from training.intent.probing import begin_heads
from training.intent.reopened import Start
from training.intent.steps import fast_bf16

Progress = Callable[[str, float], None]
APART = 0.01
"""A member alone that scores so much better than the mean is taken instead: the members have then lost each other."""
OTHER_SEEDS = 1_000_003
"""Between the seeds of a run's members."""


@dataclass(frozen=True, slots=True)
class Learner:
    """What is trained, the tasks whose heads it took over, and the ids of the words that were ever trained, with those trained now."""

    network: IntentNetwork
    heads_kept: list[str]
    words: list[int]


@dataclass(frozen=True, slots=True)
class Learned:
    """How the members' runs went, and the mean's scores on validation rows, empty where there is one member."""

    members: list[State]
    mean: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        members = [{"epochs": each.history, "best_epoch": each.best_epoch} for each in self.members]
        halfway = self.members[0].halfway
        return (
            {"members": members}
            | ({"mean": self.mean} if self.mean else {})
            | ({"halfway": halfway} if halfway else {})
        )


def learner_of(start: Start, material: Material, config: TrainConfig) -> Learner:
    """The start with a head for each task, of which `config` says what is trained."""
    classes = material.vocabulary.classes
    network = IntentNetwork(
        start.encoder, {task: len(names) for task, names in classes.items()}, dropout=config.dropout
    )
    kept = start.give_heads(network, classes)
    spoken = material.spoken if config.train_words else []
    train_spoken(network, spoken)
    if config.lora_rank:
        network = with_lora(network, config.lora_rank)
    return Learner(network, kept, sorted({*spoken, *start.trained_words}))


def learn(
    learner: Learner,
    base: str | Path,
    material: Material,
    out: Path,
    config: TrainConfig,
    progress: Progress,
    *,
    resume: bool,
) -> Learned | None:
    """Give the network what it learns; how that went, None in all but the first of several processes.

    There is one member where every head is kept, which goes on from what it knows, and where low-rank updates are trained: the mean of
    factors is not that of their products.
    """
    network, fresh = learner.network, [task for task in material.vocabulary.classes if task not in learner.heads_kept]
    count = config.members if fresh and not config.lora_rank else 1
    folders = [out, *(out / f"member-{number}" for number in range(2, count + 1))]
    here = accelerator_here()
    if fresh and not (resume and all((folder / CHECKPOINT).exists() for folder in folders)):
        if here.is_main_process:
            progress("heads", 0.0)
        begin_heads(network.to(here.device), fresh, material.train, material.pad_id, seed=config.seed, half=fast_bf16())
    begun = {name: value.detach().clone() for name, value in network.named_parameters() if value.requires_grad}
    states, trainer = [], None
    for number, folder in enumerate(folders):
        folder.mkdir(exist_ok=True)
        put(network, begun)
        trainer = Trainer(
            network=network,
            train=material.train,
            validation=material.validation,
            rows=material.train_rows,
            vocabulary=material.vocabulary,
            pad_id=material.pad_id,
            config=replace(config, seed=config.seed + OTHER_SEEDS * number),
            folder=folder,
            progress=_part(progress, number, count),
            resume=resume,
            base=str(base),
            goes_on=not fresh and not config.lora_rank,
        )
        states.append(trainer.fit())
    mean = _as_one(trainer, states) if trainer and count > 1 else {}
    return Learned(states, mean) if here.is_main_process else None


def _part(progress: Progress, number: int, count: int) -> Progress:
    """The progress of one member within that of all."""
    name = f"member {number + 1}: " if count > 1 else ""
    return lambda stage, share: progress(name + stage, (number + share) / count)


def _as_one(trainer: Trainer, states: Sequence[State]) -> dict[str, float]:
    """Give the network the members' mean, or the best member's weights where it scores better by `APART`; the mean's scores."""
    weights: list[dict[str, Tensor]] = [each.best_weights for each in states]
    put(trainer.network, mean_of(weights))
    scores = trainer.validate()
    best = max(states, key=lambda each: each.best_score)
    if best.best_score >= scores["score"] + APART:
        put(trainer.network, best.best_weights)
    return scores
