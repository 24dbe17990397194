"""The network as ONNX, written node by node with onnxruntime's fused operators, so that what is fused is certain.

General exporters leave the fusion to pattern matching that changes with every release. A BERT encoder is small enough to be
written down: fused attention, skip-layer-normalisation with bias, and bias-GELU (operators of the domain com.microsoft).
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from services.intent.trained.outputs import EMBEDDING, logits_of
from training.intent.network import IntentNetwork, refuse_foreign

OPSET = 21
FUSED = "com.microsoft"


@dataclass(slots=True)
class Graph:
    """Nodes and weights as they are added."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: list[onnx.TensorProto] = field(default_factory=list)

    def weight(self, name: str, values: Tensor | NDArray[Any]) -> str:
        """Add a constant; returns its name."""
        array = values.detach().cpu().numpy() if isinstance(values, Tensor) else values
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(self, operator: str, inputs: list[str], output: str, *, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output; returns the output's name."""
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, domain=domain, **attributes))
        return output


def export_onnx(network: IntentNetwork, path: Path) -> None:
    """Write `network` as float32 ONNX.

    Inputs `input_ids` and `attention_mask`, int64 of shape (batch, tokens); outputs `<task>_logits` of shape (batch, classes) and
    `embedding` of shape (batch, width), of unit length. Raises `UnsupportedEncoder` for anything but a BERT encoder with GELU.
    """
    config = network.encoder.config
    refuse_foreign(config)
    graph = Graph()
    hidden = _embeddings(graph, network)
    mask = graph.node("Cast", ["attention_mask"], "mask_int32", to=TensorProto.INT32)
    for index in range(config.num_hidden_layers):
        hidden = _layer(graph, network.encoder.encoder.layer[index], f"layer{index}", hidden, mask, config)
    sentence = _mean(graph, hidden)
    outputs = [_head(graph, task, head, sentence) for task, head in network.heads.items()]
    graph.node("LpNormalization", [sentence], EMBEDDING, axis=-1, p=2)
    _save(graph, outputs, config.hidden_size, path)


def _embeddings(graph: Graph, network: IntentNetwork) -> str:
    """Words by id, positions and the one token type by addition, then layer normalisation."""
    table = network.encoder.embeddings
    words = graph.weight("word_embeddings", table.word_embeddings.weight)
    places = table.position_embeddings.weight + table.token_type_embeddings.weight[0]
    positions = graph.weight("position_embeddings", places)
    found = graph.node("Gather", [words, "input_ids"], "words")
    shape = graph.node("Shape", ["input_ids"], "shape")
    zero, one, two = (graph.weight(f"int_{n}", np.array([n], dtype=np.int64)) for n in (0, 1, 2))
    length = graph.node("Slice", [shape, one, two], "length")
    used = graph.node("Slice", [positions, zero, length], "positions")
    norm = table.LayerNorm
    gamma, beta = graph.weight("embed_gamma", norm.weight), graph.weight("embed_beta", norm.bias)
    return graph.node("SkipLayerNormalization", [found, used, gamma, beta], "embedded", domain=FUSED, epsilon=norm.eps)


def _layer(graph: Graph, layer: Any, name: str, hidden: str, mask: str, config: Any) -> str:
    """One transformer layer (post-norm): attention, its projection, and the feed-forward pair."""
    attention = layer.attention
    parts = (attention.self.query, attention.self.key, attention.self.value)
    weight = graph.weight(f"{name}_qkv", np.concatenate([p.weight.detach().cpu().numpy().T for p in parts], axis=1))
    bias = graph.weight(f"{name}_qkv_bias", np.concatenate([p.bias.detach().cpu().numpy() for p in parts]))
    attended = graph.node(
        "Attention",
        [hidden, weight, bias, mask],
        f"{name}_attention",
        domain=FUSED,
        num_heads=config.num_attention_heads,
    )
    projected = _matmul(graph, f"{name}_projection", attended, attention.output.dense)
    hidden = _skip_norm(graph, f"{name}_attended", projected, hidden, attention.output)
    inner = _matmul(graph, f"{name}_inner", hidden, layer.intermediate.dense)
    inner_bias = graph.weight(f"{name}_inner_bias", layer.intermediate.dense.bias)
    raised = graph.node("BiasGelu", [inner, inner_bias], f"{name}_gelu", domain=FUSED)
    outer = _matmul(graph, f"{name}_outer", raised, layer.output.dense)
    return _skip_norm(graph, f"{name}_out", outer, hidden, layer.output)


def _matmul(graph: Graph, name: str, hidden: str, dense: Any) -> str:
    return graph.node("MatMul", [hidden, graph.weight(f"{name}_weight", dense.weight.T)], name)


def _skip_norm(graph: Graph, name: str, hidden: str, skip: str, output: Any) -> str:
    """LayerNorm(hidden + bias + skip), where `output` holds the dense layer's bias and the norm."""
    gamma = graph.weight(f"{name}_gamma", output.LayerNorm.weight)
    beta = graph.weight(f"{name}_beta", output.LayerNorm.bias)
    bias = graph.weight(f"{name}_bias", output.dense.bias)
    inputs = [hidden, skip, gamma, beta, bias]
    return graph.node("SkipLayerNormalization", inputs, name, domain=FUSED, epsilon=output.LayerNorm.eps)


def _mean(graph: Graph, hidden: str) -> str:
    """The mean over real tokens."""
    last, middle = graph.weight("axis_2", np.array([2], dtype=np.int64)), "int_1"
    mask = graph.node("Cast", ["attention_mask"], "mask_float", to=TensorProto.FLOAT)
    wide = graph.node("Unsqueeze", [mask, last], "mask_wide")
    total = graph.node("ReduceSum", [graph.node("Mul", [hidden, wide], "masked"), middle], "total", keepdims=0)
    count = graph.node("ReduceSum", [wide, middle], "count", keepdims=0)
    floor = graph.weight("one", np.array(1.0, dtype=np.float32))
    return graph.node("Div", [total, graph.node("Max", [count, floor], "count_or_one")], "sentence")


def _head(graph: Graph, task: str, head: Any, sentence: str) -> onnx.ValueInfoProto:
    weight, bias = graph.weight(f"{task}_weight", head.weight), graph.weight(f"{task}_bias", head.bias)
    graph.node("Gemm", [sentence, weight, bias], logits_of(task), transB=1)
    return helper.make_tensor_value_info(logits_of(task), TensorProto.FLOAT, ["batch", head.out_features])


def _save(graph: Graph, heads: list[onnx.ValueInfoProto], width: int, path: Path) -> None:
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"])
        for name in ("input_ids", "attention_mask")
    ]
    embedding = helper.make_tensor_value_info(EMBEDDING, TensorProto.FLOAT, ["batch", width])
    body = helper.make_graph(graph.nodes, "intent", inputs, [*heads, embedding], graph.weights)
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(FUSED, 1)]
    model = helper.make_model(body, opset_imports=opsets, ir_version=10, producer_name="kuajie")
    onnx.save(model, str(path))
