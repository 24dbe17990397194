"""Bound memory and buckets give what a plain run gives, on the CPU's memory; a lost device is told."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
import torch

from services.intent.trained.accelerator import Accelerator
from services.intent.trained.buckets import Bucket
from services.intent.trained.running import BoundRunner, PlainRunner
from training.intent.export import export_onnx
from training.intent.half import halve
from training.intent.network import IntentNetwork, load_encoder

WIDTHS = {"intent_logits": 5, "sentiment_logits": 3, "embedding": 32}
BUCKETS = (Bucket(1, 8), Bucket(4, 8), Bucket(4, 32))


class Watched:
    """A session that remembers the number of the graph that each run was told."""

    def __init__(self, session: ort.InferenceSession) -> None:
        self._session = session
        self.graphs: list[str] = []

    def io_binding(self) -> Any:
        return self._session.io_binding()

    def run_with_iobinding(self, binding: Any, options: ort.RunOptions) -> None:
        self.graphs.append(options.get_run_config_entry("gpu_graph_id"))
        self._session.run_with_iobinding(binding, options)


@pytest.fixture(scope="module", params=["model.onnx", "model.fp16.onnx"])
def session(request: pytest.FixtureRequest, tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    torch.manual_seed(1)
    encoder, _ = load_encoder(tiny_base, None)
    folder = tmp_path_factory.mktemp("running")
    export_onnx(IntentNetwork(encoder, {"intent": 5, "sentiment": 3}, dropout=0.0), folder / "model.onnx")
    halve(folder / "model.onnx", folder / "model.fp16.onnx")
    return ort.InferenceSession(str(folder / request.param), providers=["CPUExecutionProvider"])


def batch(rows: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(rows * 100 + length)
    mask = (np.arange(length)[None, :] < random.integers(1, length + 1, (rows, 1))).astype(np.int64)
    return np.where(mask == 1, random.integers(4, 50, (rows, length)), 1), mask


@pytest.mark.parametrize("buckets", [(), BUCKETS])
@pytest.mark.parametrize(("rows", "length"), [(1, 1), (1, 8), (3, 7), (4, 32), (9, 5), (2, 40), (6, 40)])
def test_bound_runs_say_what_plain_ones_say(session: Any, buckets: tuple[Bucket, ...], rows: int, length: int) -> None:
    bound = BoundRunner(session, WIDTHS, Accelerator(buckets=buckets), pad_id=1, device="cpu")
    bound.warm_up()
    arrays = batch(rows, length)
    for names in (list(WIDTHS), ["sentiment_logits"]):
        plain = PlainRunner(session).run(*arrays, names)
        for _ in range(2):
            found = bound.run(*arrays, names)
            assert len(found) == len(names)
            for ours, theirs in zip(found, plain, strict=True):
                np.testing.assert_allclose(ours, theirs, atol=2e-3)


def test_an_answer_is_not_overwritten_by_the_next_run(session: Any) -> None:
    bound = BoundRunner(session, WIDTHS, Accelerator(buckets=BUCKETS), pad_id=1, device="cpu")
    [first] = bound.run(*batch(3, 7), ["embedding"])
    kept = first.copy()
    bound.run(*batch(4, 8), ["embedding"])
    np.testing.assert_array_equal(first, kept)


def test_every_bucket_is_warmed_up_with_a_graph_of_its_own(session: Any) -> None:
    watched = Watched(session)
    bound = BoundRunner(watched, WIDTHS, Accelerator(graphs=True, buckets=BUCKETS), pad_id=1, device="cpu")
    bound.warm_up()
    assert watched.graphs == ["1", "2", "3"]
    bound.run(*batch(2, 40), ["embedding"])
    bound.run(*batch(9, 5), ["embedding"])
    assert watched.graphs[3:] == ["-1", "2", "2", "1"]
