"""The exported file as it will be served: what is reported is measured on this, not on the network that was trained."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnxruntime as ort

from services.intent.trained.confidence import Floats
from services.intent.trained.norms import open_suited
from services.intent.trained.outputs import EMBEDDING, logits_of
from training.intent.batches import Encoded, in_order


def open_model(path: Path) -> ort.InferenceSession:
    """A CPU session of an exported file, in the form in which it is served."""
    options = ort.SessionOptions()
    options.log_severity_level = 3

    def on_cpu(file: str, disabled: list[str]) -> ort.InferenceSession:
        return ort.InferenceSession(file, options, providers=["CPUExecutionProvider"], disabled_optimizers=disabled)

    return open_suited(path, on_cpu)


def outputs_of(session: ort.InferenceSession, data: Encoded, pad_id: int, names: Sequence[str]) -> dict[str, Floats]:
    """Arrays of shape (rows, width) by the name of the output, in the rows' order."""
    found: list[list[Floats]] = []
    places: list[int] = []
    for batch in in_order(data, 32, pad_id):
        feeds = {"input_ids": batch.input_ids.numpy(), "attention_mask": batch.attention_mask.numpy()}
        found.append(session.run(names, feeds))
        places += batch.places
    back = np.argsort(places)
    return {name: np.concatenate([part[index] for part in found])[back] for index, name in enumerate(names)}


@dataclass(frozen=True, slots=True)
class Answers:
    """What exported files say of the same rows. Each file is run once over them, by whatever name it is asked for again."""

    data: Encoded
    pad_id: int
    tasks: Sequence[str]
    _by_digest: dict[str, dict[str, Floats]] = field(default_factory=dict)

    def logits(self, path: Path) -> dict[str, Floats]:
        """Of shape (rows, classes) by task, in the rows' order."""
        found = self._of(path)
        return {task: found[logits_of(task)] for task in self.tasks}

    def embeddings(self, path: Path) -> Floats:
        """Of shape (rows, width), in the rows' order."""
        return self._of(path)[EMBEDDING]

    def _of(self, path: Path) -> dict[str, Floats]:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest not in self._by_digest:
            names = [EMBEDDING, *(logits_of(task) for task in self.tasks)]
            self._by_digest[digest] = outputs_of(open_model(path), self.data, self.pad_id, names)
        return self._by_digest[digest]
