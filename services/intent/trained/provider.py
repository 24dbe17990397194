"""What a model computes on. onnxruntime falls back to the CPU with no more than a log line: here that is seen and said."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Literal

import onnxruntime as ort

from services.intent.model import ModelRefused
from services.intent.trained import norms
from services.intent.trained.accelerator import Accelerator

Policy = Literal["require", "prefer", "cpu"]
CPU = "CPUExecutionProvider"
BUILDS = ("onnxruntime", "onnxruntime-gpu")
Open = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for. Under `cpu` the accelerator is not asked; under `prefer` it may be missing, under `require` not."""

    policy: Policy
    accelerator: str
    threads: int
    gpu: Accelerator = field(default_factory=Accelerator)

    @property
    def asked(self) -> str:
        return CPU if self.policy == "cpu" else self.accelerator


@dataclass(frozen=True, slots=True)
class Session:
    """An open model. `runs_on` is what onnxruntime reports of the session itself, never what it was told.

    `instead` says why that is not what was asked.
    """

    session: Any
    asked: str
    runs_on: str
    instead: str | None = None


@dataclass(frozen=True, slots=True)
class Files:
    """Of one model: what a CPU opens, and what an accelerator does (None: there is nothing for one)."""

    cpu: Path
    accelerator: Path | None


def builds() -> list[str]:
    """The builds of onnxruntime that are installed. They bring one and the same module: of two, the later overwrote the other."""
    return [name for name in BUILDS if _is_installed(name)]


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Runtime:
    """The onnxruntime at hand. `providers` are what it was built with, `open` makes a session, `suited` does so for the CPU."""

    providers: Sequence[str] = field(default_factory=ort.get_available_providers)
    builds: Sequence[str] = field(default_factory=builds)
    open: Open = ort.InferenceSession
    suited: Callable[[Path, norms.Open], Any] = norms.open_suited


def open_session(files: Files, wanted: Wanted, runtime: Runtime | None = None) -> Session:
    """Open the file for what is asked; raises `ModelRefused` under `require` when it does not run there, saying why."""
    installed = runtime or Runtime()
    why_not = _hindrance(files, wanted, installed)
    if wanted.asked != CPU and why_not is None and files.accelerator is not None:
        session = installed.open(
            str(files.accelerator), _options(wanted), providers=[*wanted.gpu.chain(wanted.asked), (CPU, {})]
        )
        runs_on = str(session.get_providers()[0])
        if runs_on != CPU:
            return _checked(Session(session, wanted.asked, runs_on), wanted)
        why_not = f"the session fell back to {CPU}"
    if wanted.policy == "require":
        raise ModelRefused(f"{wanted.asked} is required, {why_not}")

    def on_cpu(path: str, disabled: list[str]) -> Any:
        return installed.open(path, _options(wanted), providers=[CPU], disabled_optimizers=disabled)

    session = installed.suited(files.cpu, on_cpu)
    return Session(session, wanted.asked, str(session.get_providers()[0]), why_not)


def _hindrance(files: Files, wanted: Wanted, installed: Runtime) -> str | None:
    """Why the accelerator need not even be tried; None when it should be."""
    if wanted.asked == CPU:
        return None
    if len(installed.builds) > 1:
        return f"but {' and '.join(installed.builds)} are installed over one another: uninstall both, then install one"
    if wanted.asked not in installed.providers:
        return f"this onnxruntime has {', '.join(installed.providers)}"
    if files.accelerator is None:
        return "but the package has nothing for one: model.onnx is int8 and there is no model.fp16.onnx"
    return None


def _checked(session: Session, wanted: Wanted) -> Session:
    """TensorRT that became CUDA is no CPU, and yet not what was asked."""
    if wanted.policy == "require" and session.runs_on != wanted.asked:
        raise ModelRefused(f"{wanted.asked} is required, the session fell back to {session.runs_on}")
    return session


def _options(wanted: Wanted) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = wanted.threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # A plan of the memory for every shape that ever came would grow with the shapes.
    options.enable_mem_pattern = False
    # Threads that spin between two batches would take the cores from the other services.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options
