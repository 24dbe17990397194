"""How a batch gets through a session: as arrays on the CPU, bound to the device's memory on an accelerator."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import onnxruntime as ort

from services.intent.trained.accelerator import INPUTS, Accelerator
from services.intent.trained.buckets import Bucket, Integers, filled, pieces, smallest_holding
from services.intent.trained.confidence import Floats


class Runner(Protocol):
    """Ids and mask of shape (texts, longest) to one array of shape (texts, width) for each of the outputs that are named."""

    def run(self, ids: Integers, mask: Integers, names: Sequence[str]) -> list[Floats]: ...


class PlainRunner:
    """Whatever the shape: what a CPU wants."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def run(self, ids: Integers, mask: Integers, names: Sequence[str]) -> list[Floats]:
        found: list[Floats] = self._session.run(names, dict(zip(INPUTS, (ids, mask), strict=True)))
        return found


@dataclass(frozen=True, slots=True)
class Place:
    """One bucket's memory on the device: where its inputs are copied to, and where a run leaves its outputs."""

    bucket: Bucket
    binding: Any
    inputs: Sequence[Any]
    outputs: Sequence[Any]
    options: Any

    def fill(self, arrays: Sequence[Integers]) -> None:
        for value, array in zip(self.inputs, arrays, strict=True):
            value.update_inplace(array)


class BoundRunner:
    """Inputs and outputs are bound, so that nothing but ids and logits crosses to the device and back.

    Batches go into buckets where there are any: each has memory of its own that never moves, as a CUDA graph demands. What is longer
    than every bucket runs in its own shape. One batch at a time: the memory is shared, and a graph cannot be replayed twice at once.
    """

    def __init__(
        self,
        session: Any,
        widths: Mapping[str, int],
        accelerator: Accelerator,
        *,
        pad_id: int,
        device: str = "cuda",
    ) -> None:
        """`widths` has the outputs' number of columns; `device` is onnxruntime's name for the kind of memory."""
        self._session = session
        self._widths = widths
        self._accelerator = accelerator
        self._pad_id = pad_id
        self._device = device
        self._turn = threading.Lock()
        self._places = {bucket: self._place(bucket, number) for number, bucket in enumerate(accelerator.buckets, 1)}

    def warm_up(self) -> None:
        """Run every bucket once: kernels are chosen, engines built and graphs recorded before anybody waits."""
        for bucket in self._places:
            self.run(np.full(bucket, self._pad_id, dtype=np.int64), np.ones(bucket, dtype=np.int64), list(self._widths))

    def run(self, ids: Integers, mask: Integers, names: Sequence[str]) -> list[Floats]:
        """All outputs are computed, whichever are named: what a graph was recorded for cannot be changed."""
        with self._turn:
            parts = [self._piece(ids[rows], mask[rows]) for rows in pieces(len(ids), self._accelerator.buckets)]
        found = dict(zip(self._widths, map(np.concatenate, zip(*parts, strict=True)), strict=True))
        return [found[name] for name in names]

    def _piece(self, ids: Integers, mask: Integers) -> list[Floats]:
        rows, tokens = ids.shape
        bucket = smallest_holding(rows, tokens, self._accelerator.buckets)
        if bucket is None:
            return self._as_it_is(ids, mask)
        place = self._places[bucket]
        place.fill(filled(ids, mask, bucket, self._pad_id))
        self._session.run_with_iobinding(place.binding, place.options)
        return [value.numpy()[:rows].copy() for value in place.outputs]

    def _as_it_is(self, ids: Integers, mask: Integers) -> list[Floats]:
        binding = self._session.io_binding()
        for name, array in zip(INPUTS, (ids, mask), strict=True):
            binding.bind_ortvalue_input(name, self._value(array))
        for name in self._widths:
            binding.bind_output(name, self._device, self._accelerator.device)
        self._session.run_with_iobinding(binding, self._options(None))
        found: list[Floats] = binding.copy_outputs_to_cpu()
        return found

    def _place(self, bucket: Bucket, number: int) -> Place:
        binding = self._session.io_binding()
        inputs = [self._value(np.zeros(bucket, dtype=np.int64)) for _ in INPUTS]
        outputs = [self._value(np.zeros((bucket.rows, width), dtype=np.float32)) for width in self._widths.values()]
        for name, value in zip(INPUTS, inputs, strict=True):
            binding.bind_ortvalue_input(name, value)
        for name, value in zip(self._widths, outputs, strict=True):
            binding.bind_ortvalue_output(name, value)
        return Place(bucket, binding, inputs, outputs, self._options(number))

    def _value(self, array: Integers | Floats) -> Any:
        return ort.OrtValue.ortvalue_from_numpy(array, self._device, self._accelerator.device)

    def _options(self, graph: int | None) -> Any:
        options = ort.RunOptions()
        for name, setting in self._accelerator.run_settings(graph).items():
            options.add_run_config_entry(name, setting)
        return options
