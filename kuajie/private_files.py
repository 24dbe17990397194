"""Files that only their owner may read: passwords, keys, the state of a running stack."""

import os
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Replace `path` in one step; a reader sees the old text or the new one, never a part."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:  # noqa: PTH123
        file.write(text)
    unfinished.replace(path)
