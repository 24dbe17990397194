"""What the outputs of a model's graph are called."""

EMBEDDING = "embedding"
DISTANCE = "scope_distance"
"""Of shape (batch, 1), lower for texts that look like something known."""


def logits_of(task: str) -> str:
    """Of shape (batch, classes)."""
    return f"{task}_logits"
