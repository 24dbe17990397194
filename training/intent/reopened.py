"""A package that a run goes on from: its graph, in int8 or not, read back into a network in float32 that can be trained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor
from transformers import AutoConfig, AutoModel, PreTrainedTokenizerFast

from services.intent.model import ModelRefused
from services.intent.trained.package import DESCRIPTION, Package, Step, read_package
from services.intent.trained.tokens import open_tokenizer
from training.intent.blocks import unblocked
from training.intent.evening import evened_name
from training.intent.lineage import lineage_of, name_of
from training.intent.network import Encoder, IntentNetwork, load_encoder, prune
from training.intent.words import words_of

Matrix = NDArray[np.float32]


class UnusableBase(ValueError):
    """The base cannot be trained from; the message is one line that names it."""


@dataclass(frozen=True, slots=True)
class Start:
    """What a run begins with. A base that is no package of ours has no lineage, classes, heads or words that were trained."""

    name: str
    encoder: Encoder
    tokenizer: PreTrainedTokenizerFast
    lineage: tuple[Step, ...] = ()
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    heads: Mapping[str, dict[str, Tensor]] = field(default_factory=dict)
    """By task: `weight` of shape (classes, width) and `bias` of shape (classes,)."""
    trained_words: Sequence[int] = ()

    def give_heads(self, network: IntentNetwork, classes: Mapping[str, tuple[str, ...]]) -> list[str]:
        """Put in the heads of the tasks whose list of classes is the same, and return those tasks; others keep a fresh one."""
        same = [task for task in self.heads if classes.get(task) == self.classes[task]]
        for task in same:
            network.heads[task].load_state_dict(self.heads[task])
        return same


def start_from(base: str | Path, layers: Sequence[int] | None) -> Start:
    """A package of ours, or an encoder as `load_encoder` takes it, cut to `layers` (None keeps all).

    Raises `ModelRefused` for a package that is damaged or not of ours, `UnusableBase` for what is no encoder that can be exported, and
    for layers that it does not have.
    """
    try:
        if not is_package(base):
            return Start(name_of(base), *load_encoder(base, layers))
        start = reopen(Path(base))
        if layers is not None:
            prune(start.encoder, layers)
    except (OSError, ValueError) as error:
        raise UnusableBase(f"cannot train from {base}: {str(error).splitlines()[0]}") from error
    return start


def is_package(base: str | Path) -> bool:
    """Whether `base` is a folder that says it is a package, whole or not."""
    return any((Path(base) / name).is_file() for name in ("manifest.json", DESCRIPTION))


def reading_of(base: str | Path) -> dict[str, Any]:
    """How a package reads a text, as arguments of `TrainConfig`; empty for another base. Raises `ModelRefused`."""
    if not is_package(base):
        return {}
    told = read_package(Path(base)).description
    return {"prefix": told.prefix, "max_tokens": told.max_tokens}


def reopen(folder: Path) -> Start:
    """The encoder, tokenizer and heads of a package; raises `ModelRefused` when it is damaged or its graph is none of ours."""
    package = read_package(folder)
    graph = onnx.load(str(package.cpu_file)).graph
    weights = _Weights({each.name: each for each in graph.initializer}, folder.name)
    try:
        words, trained = words_of(graph)
    except KeyError as error:
        raise weights.missing("word_embeddings") from error
    config = _config(graph, weights, words, package)
    model: Any = AutoModel
    encoder: Encoder = model.from_config(config)
    encoder.pooler = None
    encoder.load_state_dict(_embeddings(weights, words) | _layers(weights, config.num_hidden_layers))
    classes = package.description.classes
    heads = {task: _head(weights, task) for task in classes}
    name = f"{package.description.name} {package.manifest.version}"
    return Start(name, encoder.eval(), _tokenizer(package), lineage_of(package), classes, heads, trained)


@dataclass(frozen=True, slots=True)
class _Weights:
    """The constants of a graph by name, as `export_onnx` named them, whatever `quantise` made of them."""

    found: Mapping[str, onnx.TensorProto]
    package: str

    def missing(self, name: str) -> ModelRefused:
        return ModelRefused(f"the graph of {self.package} has no {name}: it is none that kuajie train intent writes")

    def array(self, name: str) -> NDArray[Any]:
        """As it is stored."""
        if name not in self.found:
            raise self.missing(name)
        return np.array(numpy_helper.to_array(self.found[name]))

    def tensor(self, name: str) -> Tensor:
        return torch.from_numpy(self.array(name).astype(np.float32))

    def matrix(self, name: str) -> Matrix:
        """A matrix of shape (in, out), for activations that are not evened out."""
        factors = self.array(evened_name(name))[:, None] if evened_name(name) in self.found else np.float32(1)
        return np.asarray(self._stored(name) * factors, dtype=np.float32)

    def _stored(self, name: str) -> Matrix:
        """As it stands in the file: in float, in int8 with a scale (for each column or for all), or in blocks."""
        if f"{name}_quantized" in self.found:
            whole = self.array(f"{name}_quantized").astype(np.float32) - self.array(f"{name}_zero_point")
            return np.asarray(whole * self.array(f"{name}_scale"), dtype=np.float32)
        if f"{name}_int8" in self.found:
            return unblocked(self.array(f"{name}_int8"), self.array(f"{name}_scale"))
        return np.asarray(self.array(name), dtype=np.float32)

    def dense(self, name: str, bias: str) -> dict[str, Tensor]:
        """A matrix of shape (in, out) as torch keeps it, (out, in), and the bias of its sum."""
        return {"weight": torch.from_numpy(self.matrix(name).T.copy()), "bias": self.tensor(bias)}

    def norm(self, name: str) -> dict[str, Tensor]:
        return {"weight": self.tensor(f"{name}_gamma"), "bias": self.tensor(f"{name}_beta")}


def _config(graph: onnx.GraphProto, weights: _Weights, words: Matrix, package: Package) -> Any:
    """The encoder's shape as a BertConfig, from its nodes and its weights'."""
    attentions = [node for node in graph.node if node.op_type in {"Attention", "QAttention"}]
    norms = [node for node in graph.node if node.op_type == "SkipLayerNormalization"]
    if not attentions or not norms:
        raise weights.missing("fused attention")
    return AutoConfig.for_model(
        "bert",
        vocab_size=len(words),
        hidden_size=words.shape[1],
        num_hidden_layers=len(attentions),
        num_attention_heads=_attribute(attentions[0], "num_heads"),
        intermediate_size=len(weights.array("layer0_inner_bias")),
        max_position_embeddings=len(weights.array("position_embeddings")),
        type_vocab_size=1,
        layer_norm_eps=_attribute(norms[0], "epsilon"),
        pad_token_id=package.description.pad_id,
    )


def _attribute(node: onnx.NodeProto, name: str) -> Any:
    return next(onnx.helper.get_attribute_value(each) for each in node.attribute if each.name == name)


def _embeddings(weights: _Weights, words: Matrix) -> dict[str, Tensor]:
    """The token type was added to the positions when they were written, so that it is nothing here."""
    return _under(
        "embeddings",
        {
            "word_embeddings": {"weight": torch.from_numpy(words)},
            "position_embeddings": {"weight": weights.tensor("position_embeddings")},
            "token_type_embeddings": {"weight": torch.zeros(1, words.shape[1])},
            "LayerNorm": weights.norm("embed"),
        },
    )


def _layers(weights: _Weights, count: int) -> dict[str, Tensor]:
    """All parameters of the stack by the names that a `BertModel` has for them."""
    found: dict[str, Tensor] = {}
    for index in range(count):
        name = f"layer{index}"
        parts = {
            **_attention(weights, name),
            "attention.output.dense": weights.dense(f"{name}_projection_weight", f"{name}_attended_bias"),
            "attention.output.LayerNorm": weights.norm(f"{name}_attended"),
            "intermediate.dense": weights.dense(f"{name}_inner_weight", f"{name}_inner_bias"),
            "output.dense": weights.dense(f"{name}_outer_weight", f"{name}_out_bias"),
            "output.LayerNorm": weights.norm(f"{name}_out"),
        }
        found |= _under(f"encoder.layer.{index}", parts)
    return found


def _attention(weights: _Weights, name: str) -> dict[str, dict[str, Tensor]]:
    """The three projections, which stand beside each other in one matrix."""
    whole = weights.dense(f"{name}_qkv", f"{name}_qkv_bias")
    pairs = zip(whole["weight"].chunk(3), whole["bias"].chunk(3), strict=True)
    names = (f"attention.self.{part}" for part in ("query", "key", "value"))
    return {part: {"weight": weight, "bias": bias} for part, (weight, bias) in zip(names, pairs, strict=True)}


def _under(prefix: str, parts: Mapping[str, Mapping[str, Tensor]]) -> dict[str, Tensor]:
    return {f"{prefix}.{part}.{name}": value for part, values in parts.items() for name, value in values.items()}


def _head(weights: _Weights, task: str) -> dict[str, Tensor]:
    """In float the head is as torch keeps it; in int8 it was transposed."""
    name, bias = f"{task}_weight", f"{task}_bias"
    if name in weights.found:
        return {"weight": weights.tensor(name), "bias": weights.tensor(bias)}
    return weights.dense(name, bias)


def _tokenizer(package: Package) -> PreTrainedTokenizerFast:
    tokenizer, wrap = open_tokenizer(package), cast("Any", PreTrainedTokenizerFast)  # has no types of its own
    pad = tokenizer.id_to_token(package.description.pad_id)
    wrapped: PreTrainedTokenizerFast = wrap(tokenizer_object=tokenizer, pad_token=pad)
    return wrapped
