"""What a package says of many texts, by the very code that serves it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from services.intent.trained.confidence import Floats, known_score
from services.intent.trained.package import Description
from services.intent.trained.provider import Wanted
from services.intent.trained.transformer import OnnxModel

BATCH = 32
ON_CPU = Wanted("cpu", "CUDAExecutionProvider", 1)
Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Seen:
    """Logits of shape (texts, classes) by task, and the distance, of shape (texts, 1), where scope is judged by it."""

    logits: dict[str, Floats]
    distance: Floats | None

    def scores(self, told: Description) -> Floats:
        """How much each text looks like something known; shape (texts,)."""
        classes, temperature = told.classes["intent"], told.temperatures["intent"]
        return known_score(self.logits["intent"], self.distance, classes, temperature)


def see(model: OnnxModel, texts: Sequence[str], progress: Progress) -> Seen:
    """In the texts' order; batches of like length, as the server makes them."""
    read = model.encode(texts)
    order = sorted(range(len(read)), key=lambda place: read[place].tokens)
    parts = []
    for at in range(0, len(order), BATCH):
        parts.append(model.run([read[place] for place in order[at : at + BATCH]]))
        progress("reading", min(1.0, (at + BATCH) / len(order)))
    back = np.argsort(order)
    logits = {task: np.concatenate([part.logits[task] for part in parts])[back] for task in parts[0].logits}
    distances = [part.distance for part in parts if part.distance is not None]
    return Seen(logits, np.concatenate(distances)[back] if distances else None)
