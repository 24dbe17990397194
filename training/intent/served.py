"""The exported file as it will be served: what is reported is measured on this, not on the network that was trained."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort

from services.intent.trained.confidence import Floats
from services.intent.trained.norms import open_suited
from training.intent.batches import Encoded, in_order


def open_model(path: Path) -> ort.InferenceSession:
    """A CPU session of an exported file, in the form in which it is served."""
    options = ort.SessionOptions()
    options.log_severity_level = 3

    def on_cpu(file: str, disabled: list[str]) -> ort.InferenceSession:
        return ort.InferenceSession(file, options, providers=["CPUExecutionProvider"], disabled_optimizers=disabled)

    return open_suited(path, on_cpu)


def logits_of(session: ort.InferenceSession, data: Encoded, pad_id: int, tasks: Sequence[str]) -> dict[str, Floats]:
    """Logits of shape (rows, classes) by task, in the rows' order."""
    found = outputs_of(session, data, pad_id, [f"{task}_logits" for task in tasks])
    return {task: found[f"{task}_logits"] for task in tasks}


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
