"""The model file and its tokenizer with nothing around them. Imports nothing of ours: peers run it in their own environment.

`python -m bench.peers.raw FOLDER TEXTS` reads lines `{"single": n}` from standard input and answers each with a JSON line: the
seconds of each of the first n texts alone, or for 0 of all of them in batches. They are tokenised before: what is timed is
`session.run` and filling its inputs.
"""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from tokenizers import Tokenizer

SIZES = (256, 512, 1024, 2048)
"""Padded tokens of a batch that are tried; the fastest is what counts."""


class RawModel:
    """One thread, no calibration, no topics: less work a text than ours."""

    def __init__(self, folder: Path) -> None:
        told = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        self.classes: list[str] = told["classes"]["intent"]
        self._prefix, self._pad_id = told["prefix"], told["pad_id"]
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(told["max_tokens"])
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = ort.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
        self._outputs = [f"{task}_logits" for task in told["classes"]]

    def read(self, texts: Sequence[str]) -> list[list[int]]:
        return [each.ids for each in self._tokenizer.encode_batch([self._prefix + text for text in texts])]

    def run(self, rows: Sequence[Sequence[int]]) -> Any:
        """Intent logits of shape (rows, classes)."""
        longest = max(map(len, rows))
        ids = np.full((len(rows), longest), self._pad_id, dtype=np.int64)
        mask = np.zeros((len(rows), longest), dtype=np.int64)
        for place, row in enumerate(rows):
            ids[place, : len(row)] = row
            mask[place, : len(row)] = 1
        return self._session.run(self._outputs, {"input_ids": ids, "attention_mask": mask})[0]

    def answers(self, texts: Sequence[str], budget: int) -> list[dict[str, Any]]:
        """Label and confidence a text, in order, computed in batches of like length."""
        rows = self.read(texts)
        answers: list[dict[str, Any]] = [{}] * len(rows)
        order = sorted(range(len(rows)), key=lambda place: len(rows[place]))
        for places in parcels(order, [len(row) for row in rows], budget):
            logits = self.run([rows[place] for place in places])
            odds = np.exp(logits - logits.max(axis=1, keepdims=True))
            odds /= odds.sum(axis=1, keepdims=True)
            for place, row in zip(places, odds, strict=True):
                best = int(row.argmax())
                answers[place] = {"label": self.classes[best], "confidence": round(float(row[best]), 4)}
        return answers


def parcels(order: Sequence[int], lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """`order`, sorted by length, in pieces whose padded size is within the budget."""
    piece: list[int] = []
    for place in order:
        if piece and lengths[place] * (len(piece) + 1) > budget:
            yield piece
            piece = []
        piece.append(place)
    if piece:
        yield piece


class Limit:
    """What the file can do at most on this thread."""

    def __init__(self, model: RawModel, texts: Sequence[str]) -> None:
        self._model = model
        self._rows = model.read(texts)
        self._sorted = sorted(self._rows, key=len)
        self._model.run(self._sorted[-8:])
        paces = {size: self._pass(size) for size in SIZES}
        self.size = min(paces, key=lambda size: paces[size])

    def _pass(self, size: int) -> float:
        """CPU seconds of all texts once."""
        begun = time.process_time()
        for places in parcels(range(len(self._sorted)), list(map(len, self._sorted)), size):
            self._model.run([self._sorted[place] for place in places])
        return time.process_time() - begun

    def batched(self) -> dict[str, float]:
        """Seconds for all texts once, in batches of the best size."""
        begun = time.perf_counter()
        cpu = self._pass(self.size)
        return {"seconds": time.perf_counter() - begun, "cpu": cpu}

    def single(self, texts: int) -> dict[str, list[float]]:
        """Seconds of each of the first `texts`, one after the other."""
        latencies = []
        for row in self._rows[:texts]:
            begun = time.perf_counter()
            self._model.run([row])
            latencies.append(time.perf_counter() - begun)
        return {"latencies": latencies}


def main() -> None:
    texts = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    limit = Limit(RawModel(Path(sys.argv[1])), texts)
    print(json.dumps({"size": limit.size}), flush=True)
    for line in sys.stdin:
        single = json.loads(line)["single"]
        print(json.dumps(limit.single(single) if single else limit.batched()), flush=True)


if __name__ == "__main__":
    main()
