"""What decides a training run."""

from dataclasses import asdict, dataclass
from typing import Any

LARGEST_BATCH, SMALLEST_BATCH = 32, 8
UPDATES = 64
"""An epoch should have as many: of 280 rows, 9 updates an epoch of 32 texts each left the model half-taught after the last."""

MOST_EPOCHS, FEWEST_EPOCHS = 8, 3
UPDATES_IN_ALL = 800
"""A run should have as many, epochs permitting: from heads that know the classes already, more learn what is wrong with labels."""


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Hyperparameters of one run. The defaults are plain choices for short texts; no search has been made for them.

    `batch_size` 0 and `epochs` 0 are what suits the number of rows.
    """

    layers: tuple[int, ...] | None = None
    prefix: str = "query: "
    max_tokens: int = 96
    epochs: int = 0
    patience: int = 3
    batch_size: int = 0
    learning_rate: float = 1.0e-4
    head_learning_rate: float = 1.0e-3
    warmup_share: float = 0.1
    weight_decay: float = 0.01
    dropout: float = 0.1
    label_smoothing: float = 0.05
    class_weight_power: float = 0.25
    average_decay: float = 0.998
    clip_norm: float = 1.0
    train_words: bool = True
    lora_rank: int | None = None
    validation_share: float = 0.08
    task_weights: tuple[tuple[str, float], ...] = (("sentiment", 0.5), ("purchase", 0.5), ("topic", 0.5))
    seed: int = 0
    float16: bool = False

    def batch_of(self, rows: int) -> int:
        """Texts in an update, of so many rows."""
        return self.batch_size or min(LARGEST_BATCH, max(SMALLEST_BATCH, rows // UPDATES))

    def epochs_of(self, rows: int) -> int:
        """Epochs of a run, of so many rows."""
        updates = max(1, rows // self.batch_of(rows))
        return self.epochs or min(MOST_EPOCHS, max(FEWEST_EPOCHS, round(UPDATES_IN_ALL / updates)))

    def weight_of(self, task: str) -> float:
        """How much a task's loss counts beside the intent's."""
        return dict(self.task_weights).get(task, 1.0)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
