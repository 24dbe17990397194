"""Trained packages of a few kilobytes: each always gives its own label, so that an answer tells which version gave it."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import orjson
from onnx import TensorProto, helper, numpy_helper, save_model
from tokenizers import Tokenizer, models, pre_tokenizers

from services.intent.labels import LABELS

WIDTH = 384
TASKS = {
    "intent": LABELS,
    "sentiment": ("negative", "neutral", "positive"),
    "purchase": ("buy", "not_buy"),
}


def write_package(
    home: Path,
    version: str,
    label: str,
    *,
    sentiment: str = "neutral",
    weights: int = 0,
    labels: tuple[str, ...] = LABELS,
) -> Path:
    """A package `home/version` that answers `label` to everything; `weights` bytes more are loaded with it and never used."""
    tasks = {**TASKS, "intent": labels}
    folder = home / version
    folder.mkdir(parents=True)
    favoured = {"intent": label, "sentiment": sentiment, "purchase": "not_buy"}
    save_model(_graph(tasks, favoured, weights), folder / "model.onnx")
    tokenizer = Tokenizer(models.WordLevel({"<unk>": 0, "<pad>": 1}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    description = {
        "format": 1,
        "name": "intent",
        "classes": tasks,
        "prefix": "query: ",
        "max_tokens": 128,
        "pad_id": 1,
        "temperatures": dict.fromkeys(tasks, 1.0),
        "scope_threshold": None,
        "precision": "float32",
    }
    (folder / "model.json").write_bytes(orjson.dumps(description))
    seal(folder, version)
    return folder


def seal(folder: Path, version: str) -> None:
    """The manifest of the files as they are."""
    files = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.name != "manifest.json"
    }
    manifest = {"kind": "intent", "version": version, "created_at": datetime.now(UTC).isoformat(), "files": files}
    (folder / "manifest.json").write_bytes(orjson.dumps(manifest))


def damage(folder: Path) -> None:
    """One byte of the model becomes another."""
    raw = bytearray((folder / "model.onnx").read_bytes())
    raw[len(raw) // 2] ^= 1
    (folder / "model.onnx").write_bytes(raw)


def _graph(tasks: dict[str, tuple[str, ...]], favoured: dict[str, str], weights: int):
    """Logits that are the same for every text: zero times its number of tokens, plus a bias."""
    nodes = [
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["mask", "axes"], ["length"], keepdims=1),
        helper.make_node("MatMul", ["length", "unit"], ["embedding"]),
    ]
    unit = np.zeros((1, WIDTH), np.float32)
    kept = [numpy_helper.from_array(np.array([1]), "axes"), numpy_helper.from_array(unit, "unit")]
    outputs = []
    for task, classes in tasks.items():
        bias = np.array([5.0 if name == favoured[task] else 0.0 for name in classes], np.float32)
        kept += [
            numpy_helper.from_array(np.zeros((1, len(classes)), np.float32), f"{task}_weight"),
            numpy_helper.from_array(bias, f"{task}_bias"),
        ]
        nodes += [
            helper.make_node("MatMul", ["length", f"{task}_weight"], [f"{task}_flat"]),
            helper.make_node("Add", [f"{task}_flat", f"{task}_bias"], [f"{task}_logits"]),
        ]
        outputs.append(_tensor(f"{task}_logits", TensorProto.FLOAT, len(classes)))
    if weights:
        noise = np.random.default_rng(0).standard_normal((WIDTH, weights // 4 // WIDTH)).astype(np.float32)
        kept.append(numpy_helper.from_array(noise, "noise"))
        nodes.append(helper.make_node("MatMul", ["embedding", "noise"], ["unused"]))
        outputs.append(_tensor("unused", TensorProto.FLOAT, noise.shape[1]))
    outputs.append(_tensor("embedding", TensorProto.FLOAT, WIDTH))
    inputs = [_tensor(name, TensorProto.INT64, "length") for name in ("input_ids", "attention_mask")]
    graph = helper.make_graph(nodes, "intent", inputs, outputs, kept)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


def _tensor(name: str, kind: int, width: int | str):
    return helper.make_tensor_value_info(name, kind, ["batch", width])
