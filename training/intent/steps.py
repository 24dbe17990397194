"""One update of the weights, and everything that it changes: what a checkpoint holds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from training.intent.average import Average
from training.intent.batches import Batch
from training.intent.config import TrainConfig
from training.intent.network import IntentNetwork
from training.intent.rows import UNKNOWN, Row, Vocabulary, class_weights

LAST_RATE = 0.05
"""The share of the learning rate that the cosine ends at."""


@dataclass(slots=True)
class Run:
    """What changes with every step. `wrapped` is the network, or the network inside what synchronises several processes."""

    accelerator: Accelerator
    network: IntentNetwork
    wrapped: nn.Module
    optimiser: Any
    schedule: LambdaLR
    average: Average
    losses: Mapping[str, nn.CrossEntropyLoss]
    config: TrainConfig
    half: bool

    def step(self, batch: Batch) -> float:
        """One update; returns the loss."""
        self.network.train()
        device = self.accelerator.device
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=self.half):
            logits = self.wrapped(batch.input_ids.to(device), batch.attention_mask.to(device))
        loss = self._loss(logits, {task: values.to(device) for task, values in batch.targets.items()})
        self.accelerator.backward(loss)
        self.accelerator.clip_grad_norm_(self.wrapped.parameters(), self.config.clip_norm)
        self.optimiser.step()
        self.schedule.step()
        self.optimiser.zero_grad()
        self.average.update(self.network)
        return float(loss.detach())

    def _loss(self, logits: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
        """The weighted sum over the tasks; one that no row of the batch knows adds zero, but stays in the graph."""
        total = torch.zeros((), device=self.accelerator.device)
        for task, values in logits.items():
            known = bool((targets[task] != UNKNOWN).any())
            part = self.losses[task](values.float(), targets[task]) if known else 0.0 * values.float().sum()
            total = total + self.config.weight_of(task) * part
        return total

    def state_dict(self) -> dict[str, Any]:
        trained = {name: value.detach() for name, value in self.network.named_parameters() if value.requires_grad}
        return {
            "network": {name: value.cpu().clone() for name, value in trained.items()},
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "average": self.average.state_dict(),
            "random": torch.get_rng_state(),
        }


def start(
    accelerator: Accelerator,
    network: IntentNetwork,
    *,
    rows: Sequence[Row],
    vocabulary: Vocabulary,
    config: TrainConfig,
    steps: int,
) -> Run:
    """A run of `steps` updates in all, before the first."""
    wrapped, optimiser = accelerator.prepare(network, optimiser_of(network, config))
    return Run(
        accelerator=accelerator,
        network=network,
        wrapped=wrapped,
        optimiser=optimiser,
        schedule=LambdaLR(optimiser, lambda step: rate(step, steps, config.warmup_share)),
        average=Average(network, config.average_decay),
        losses=_losses(rows, vocabulary, config, accelerator.device),
        config=config,
        half=fast_bf16(),
    )


def optimiser_of(network: IntentNetwork, config: TrainConfig) -> torch.optim.AdamW:
    """AdamW, without decay for biases and norms, with a rate of their own for the heads."""
    trained = [value for value in network.encoder.parameters() if value.requires_grad]
    groups = [
        {"params": [value for value in trained if value.ndim >= 2], "weight_decay": config.weight_decay},
        {"params": [value for value in trained if value.ndim < 2], "weight_decay": 0.0},
        {
            "params": list(network.heads.parameters()),
            "lr": config.head_learning_rate,
            "weight_decay": config.weight_decay,
        },
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=config.learning_rate, fused=True)


def rate(step: int, total: int, warmup_share: float) -> float:
    """Linear warm-up to 1, then a cosine down to a twentieth."""
    warmup = max(1, int(warmup_share * total))
    if step < warmup:
        return (step + 1) / warmup
    done = min(1.0, (step - warmup) / max(1, total - warmup))
    return LAST_RATE + (1 - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * done))


def fast_bf16() -> bool:
    """Whether this machine multiplies in bfloat16 natively; elsewhere it would only be slower."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    processor: Any = torch.cpu
    return bool(processor._is_amx_tile_supported() or processor._is_avx512_bf16_supported())


def _losses(
    rows: Sequence[Row], vocabulary: Vocabulary, config: TrainConfig, device: torch.device
) -> dict[str, nn.CrossEntropyLoss]:
    losses = {}
    for task, classes in vocabulary.classes.items():
        weights = class_weights(rows, classes, task, power=config.class_weight_power)
        losses[task] = nn.CrossEntropyLoss(
            weight=torch.tensor(weights, device=device),
            ignore_index=UNKNOWN,
            label_smoothing=config.label_smoothing,
        )
    return losses
