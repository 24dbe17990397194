"""What a model computes on. onnxruntime falls back to the CPU with no more than a log line: here that is seen and said."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import onnxruntime as ort

from services.intent.model import ModelRefused

Policy = Literal["require", "prefer", "cpu"]
CPU = "CPUExecutionProvider"
Open = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for. Under `cpu` the accelerator is not asked; under `prefer` it may be missing, under `require` not."""

    policy: Policy
    accelerator: str
    threads: int

    @property
    def asked(self) -> str:
        return CPU if self.policy == "cpu" else self.accelerator


@dataclass(frozen=True, slots=True)
class Session:
    """An open model. `runs_on` is what onnxruntime reports of the session itself, never what it was told."""

    session: Any
    asked: str
    runs_on: str


def open_session(
    path: Path, wanted: Wanted, *, available: Sequence[str] | None = None, open_with: Open = ort.InferenceSession
) -> Session:
    """Open the file; raises `ModelRefused` when the policy is `require` and the session does not run on what was asked.

    `available` are the providers of this onnxruntime; `open_with` makes the session.
    """
    present = ort.get_available_providers() if available is None else available
    if wanted.policy == "require" and wanted.asked not in present:
        raise ModelRefused(f"{wanted.asked} is required, this onnxruntime has {', '.join(present)}")
    providers = [wanted.asked, CPU] if wanted.asked != CPU and wanted.asked in present else [CPU]
    session = open_with(str(path), _options(wanted), providers=providers)
    runs_on = str(session.get_providers()[0])
    if wanted.policy == "require" and runs_on != wanted.asked:
        raise ModelRefused(f"{wanted.asked} is required, the session fell back to {runs_on}")
    return Session(session, wanted.asked, runs_on)


def _options(wanted: Wanted) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = wanted.threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Threads that spin between two batches would take the cores from the other services.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options
