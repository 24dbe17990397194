"""What a session was asked to run on, which file it opens for that, and what is said when it runs elsewhere."""

from pathlib import Path
from typing import Any

import pytest

from services.intent.model import ModelRefused
from services.intent.trained.accelerator import CUDA, TENSORRT, Accelerator
from services.intent.trained.provider import CPU, Files, Policy, Runtime, Session, Wanted, open_session

FILES = Files(Path("model.onnx"), Path("model.fp16.onnx"))
INT8_ONLY = Files(Path("model.onnx"), None)


class Opened:
    """A session that runs on the first provider of those that work, whatever it was told."""

    def __init__(self, works: set[str], path: str, providers: list[Any]) -> None:
        self.path = path
        self.told = [each if isinstance(each, str) else each[0] for each in providers]
        self.settings = {each[0]: each[1] for each in providers if not isinstance(each, str)}
        self._runs_on = [name for name in self.told if name in works]

    def get_providers(self) -> list[str]:
        return self._runs_on


def opened(
    policy: Policy,
    *,
    accelerator: str = CUDA,
    files: Files = FILES,
    has: tuple[str, ...] = (CUDA, CPU),
    works: tuple[str, ...] = (CUDA, CPU),
    builds: tuple[str, ...] = ("onnxruntime-gpu",),
) -> Session:
    def session(path: str, options: Any, providers: list[Any], disabled_optimizers: Any = ()) -> Opened:
        return Opened(set(works), path, providers)

    runtime = Runtime(has, builds, session, suited=lambda file, open_: open_(str(file), []))
    return open_session(files, Wanted(policy, accelerator, 1, Accelerator(device=1)), runtime)


def test_the_gpu_opens_its_own_file_with_its_settings() -> None:
    found = opened("require")
    assert (found.asked, found.runs_on, found.instead) == (CUDA, CUDA, None)
    assert (found.session.path, found.session.told) == ("model.fp16.onnx", [CUDA, CPU])
    assert found.session.settings[CUDA]["device_id"] == "1"


def test_the_policy_cpu_never_asks_for_more() -> None:
    found = opened("cpu")
    assert (found.asked, found.runs_on, found.instead) == (CPU, CPU, None)
    assert (found.session.path, found.session.told) == ("model.onnx", [CPU])


@pytest.mark.parametrize(
    ("circumstance", "why"),
    [
        ({"has": (CPU,)}, f"this onnxruntime has {CPU}"),
        ({"works": (CPU,)}, f"the session fell back to {CPU}"),
        (
            {"files": INT8_ONLY},
            "but the package has nothing for one: model.onnx is int8 and there is no model.fp16.onnx",
        ),
        (
            {"builds": ("onnxruntime", "onnxruntime-gpu")},
            "but onnxruntime and onnxruntime-gpu are installed over one another: uninstall both, then install one",
        ),
    ],
)
def test_what_hinders_the_gpu_refuses_the_model_or_is_told_beside_the_cpu(
    circumstance: dict[str, Any], why: str
) -> None:
    with pytest.raises(ModelRefused) as refused:
        opened("require", **circumstance)
    assert str(refused.value) == f"{CUDA} is required, {why}"
    found = opened("prefer", **circumstance)
    assert (found.asked, found.runs_on, found.instead) == (CUDA, CPU, why)
    assert found.session.path == "model.onnx"


def test_tensorrt_that_became_cuda_is_no_tensorrt() -> None:
    both = (TENSORRT, CUDA, CPU)
    with pytest.raises(ModelRefused, match=f"{TENSORRT} is required, the session fell back to {CUDA}"):
        opened("require", accelerator=TENSORRT, has=both)
    assert opened("prefer", accelerator=TENSORRT, has=both).runs_on == CUDA
    found = opened("require", accelerator=TENSORRT, has=both, works=both)
    assert (found.runs_on, found.session.told) == (TENSORRT, [TENSORRT, CUDA, CPU])
