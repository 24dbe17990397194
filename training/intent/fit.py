"""The training loop: epochs, validation of the averaged weights, early stopping, checkpoints that a run resumes from."""

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, cast
from zipfile import BadZipFile, ZipFile

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from training.intent.average import halfway, put
from training.intent.batches import Encoded, shuffled
from training.intent.config import TrainConfig
from training.intent.draws import draw_faster
from training.intent.metrics import macro_f1
from training.intent.network import IntentNetwork
from training.intent.prediction import predict
from training.intent.probing import begin_heads
from training.intent.rows import UNKNOWN, Row, UnusableData, Vocabulary
from training.intent.steps import Run, fast_bf16, start


class Diverged(ValueError):
    """The weights are no numbers any more."""


Progress = Callable[[str, float], None]
LOG_EVERY = 20
CHECKPOINT = "checkpoint.pt"


@dataclass(slots=True)
class State:
    """How far a run has come. `best_weights` are the trained parameters by name; `history` has the scores of each epoch.

    `halfway` has those of the weights half-way back to the begin, which are `best_weights` where they score better.
    """

    epoch: int = 0
    step: int = 0
    best_score: float = -1.0
    best_epoch: int = 0
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    halfway: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Trainer:
    """One run. `fit` returns the network with the weights of the best epoch on validation."""

    network: IntentNetwork
    train: Encoded
    validation: Encoded
    rows: Sequence[Row]
    vocabulary: Vocabulary
    pad_id: int
    config: TrainConfig
    folder: Path
    progress: Progress
    resume: bool = False
    base: str = ""
    """What the network began as: what is not trained is not in a checkpoint."""
    fresh: Sequence[str] = ()
    """Tasks whose heads no base gave: they begin as discriminants of the embeddings."""
    goes_on: bool = False
    """The network already knew the tasks when it began, so that the weights half-way back are worth a try."""
    accelerator: Accelerator = field(default_factory=lambda: Accelerator(cpu=not torch.accelerator.is_available()))

    def fit(self, *, until: int | None = None) -> State:
        """Train until the epochs or the patience end, or the epoch `until`; the network then has the best epoch's weights.

        Deterministic by seed on one device. Raises `UnusableData` when it is to resume another run's checkpoint, or a damaged one.
        """
        _deterministic(self.config.seed)
        if self.fresh and not (self.resume and (self.folder / CHECKPOINT).exists()):
            self._begin_heads()
        run = start(
            self.accelerator,
            self.network,
            rows=self.rows,
            vocabulary=self.vocabulary,
            config=self.config,
            steps=self._epochs * self._steps,
        )
        begun = run.average.values() if self.goes_on else {}
        state = self._restore(run) if self.resume else State()
        with SummaryWriter(str(self.folder / "tensorboard")) as board:
            while not self._ended(state) and state.epoch != until:
                self._epoch(run, state, board)
                if self.accelerator.is_main_process:
                    self._save(run, state)
        if self.goes_on and self._ended(state):
            self._look_halfway(begun, state)
        put(self.network, state.best_weights)
        return state

    def _begin_heads(self) -> None:
        self._tell("heads", 0.0)
        network = self.network.to(self.accelerator.device)
        begin_heads(network, self.fresh, self.train, self.pad_id, seed=self.config.seed, half=fast_bf16())

    def _look_halfway(self, begun: dict[str, Tensor], state: State) -> None:
        between = halfway(begun, state.best_weights)
        put(self.network, between)
        state.halfway = self._validate()
        if state.halfway["score"] > state.best_score:
            state.best_score, state.best_weights = state.halfway["score"], between
        self._tell(f"half-way back: validation {state.halfway['score']:.4f}", 1.0)

    def _ended(self, state: State) -> bool:
        return state.epoch >= self._epochs or state.epoch - state.best_epoch >= self.config.patience

    def _epoch(self, run: Run, state: State, board: SummaryWriter) -> None:
        random = np.random.default_rng((self.config.seed, state.epoch))
        share = (self.accelerator.process_index, self.accelerator.num_processes)
        for batch in shuffled(self.train, self._batch, self.pad_id, random, share=share):
            loss = run.step(batch)
            if not math.isfinite(loss):
                raise Diverged(f"the loss is {loss} in epoch {state.epoch + 1}: try a lower learning rate")
            state.step += 1
            if state.step % LOG_EVERY == 0:
                board.add_scalar("train/loss", loss, state.step)
                self._tell(f"epoch {state.epoch + 1}", state.step / (self._epochs * self._steps))
        state.epoch += 1
        with run.average.applied(self.network):
            scores = self._validate()
        state.history.append(scores)
        for name, value in scores.items():
            board.add_scalar(f"validation/{name}", value, state.epoch)
        if scores["score"] > state.best_score:
            state.best_score, state.best_epoch = scores["score"], state.epoch
            state.best_weights = run.average.values()
        self._tell(f"epoch {state.epoch}: validation {scores['score']:.4f}", state.epoch / self._epochs)

    def _tell(self, stage: str, share: float) -> None:
        """Of several processes the first speaks for all."""
        if self.accelerator.is_main_process:
            self.progress(stage, share)

    @property
    def _batch(self) -> int:
        return self.config.batch_of(len(self.train))

    @property
    def _epochs(self) -> int:
        return self.config.epochs_of(len(self.train))

    @property
    def _steps(self) -> int:
        """Updates an epoch."""
        batches, processes = math.ceil(len(self.train) / self._batch), self.accelerator.num_processes
        return batches if processes == 1 else batches // processes

    def _validate(self) -> dict[str, float]:
        """Macro-F1 by task, and as `score` their weighted mean."""
        logits = predict(self.network, self.validation, self.pad_id)
        scores: dict[str, float] = {}
        for task, values in logits.items():
            truth = self.validation.targets[task].numpy()
            known = truth != UNKNOWN
            if not np.isfinite(values).all():
                raise Diverged(f"the task {task} is told no numbers any more: try a lower learning rate")
            if known.any():
                classes = len(self.vocabulary.classes[task])
                scores[task] = macro_f1(truth[known], values[known].argmax(1), classes)
        weights = {task: self.config.weight_of(task) for task in scores}
        scores["score"] = sum(scores[task] * weights[task] for task in weights) / sum(weights.values())
        return scores

    def _save(self, run: Run, state: State) -> None:
        checkpoint = {
            "of": self._identity(),
            "run": run.state_dict(),
            "state": {name: getattr(state, name) for name in State.__dataclass_fields__},
        }
        draft = self.folder / ".checkpoint.pt"
        try:
            with draft.open("wb") as file:
                torch.save(checkpoint, file)
            draft.replace(self.folder / CHECKPOINT)
        except RuntimeError as error:  # what torch makes of a disk that is full while it closes its archive
            raise OSError(f"{draft}: {str(error).splitlines()[0]}") from error
        finally:
            draft.unlink(missing_ok=True)

    def _restore(self, run: Run) -> State:
        path = self.folder / CHECKPOINT
        if not path.exists():
            return State()
        checkpoint = _opened(path)
        if checkpoint["of"] != self._identity():
            raise UnusableData(f"{path} is of a run with other rows or another configuration: name another --out")
        saved = checkpoint["run"]
        put(self.network, saved["network"])
        run.optimiser.load_state_dict(saved["optimiser"])
        run.schedule.load_state_dict(saved["schedule"])
        run.average.load_state_dict(saved["average"])
        torch.set_rng_state(saved["random"])
        return State(**checkpoint["state"])

    def _identity(self) -> str:
        """What must be the same for a run to be the same."""
        rows = [_digest(part) for part in (self.train, self.validation)]
        return repr((self.base, self.config, rows, dict(self.vocabulary.classes)))


def _deterministic(seed: int) -> None:
    """Every random number by `seed`, and only operations that give the same twice.

    torch would also fill all memory that an operation is about to write: a tenth of a step's time.
    """
    draw_faster()
    set_seed(seed, deterministic=True)
    filling: Any = torch.utils.deterministic
    filling.fill_uninitialized_memory = False


def _opened(path: Path) -> dict[str, Any]:
    """What `_save` wrote; raises `UnusableData` when it is not whole."""
    try:
        with ZipFile(path) as archive:
            broken = archive.testzip()  # torch itself compares no checksum
        found = {} if broken else torch.load(path, map_location="cpu", weights_only=True)
    except (BadZipFile, RuntimeError, EOFError, ValueError, UnpicklingError) as error:
        raise _damaged(path) from error
    if not isinstance(found, dict) or found.keys() != {"of", "run", "state"}:
        raise _damaged(path)
    return cast("dict[str, Any]", found)


def _damaged(path: Path) -> UnusableData:
    return UnusableData(f"{path} is damaged, so that there is nothing to go on from: name another --out")


def _digest(data: Encoded) -> str:
    """Of every text and label."""
    told = repr((data.tokens, {task: values.tolist() for task, values in data.targets.items()}))
    return hashlib.sha256(told.encode()).hexdigest()
