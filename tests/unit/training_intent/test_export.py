"""The exported graph says what the network says, and is fused."""

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch

from training.intent.export import export_onnx
from training.intent.network import IntentNetwork, UnsupportedEncoder, load_encoder, prune


@pytest.fixture(scope="module")
def network(tiny_base: Path) -> IntentNetwork:
    torch.manual_seed(1)
    encoder, _ = load_encoder(tiny_base, None)
    return IntentNetwork(encoder, {"intent": 5, "sentiment": 3}, dropout=0.1).eval()


@pytest.fixture(scope="module")
def exported(network: IntentNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "model.onnx"
    export_onnx(network, path)
    return path


def outputs(path: Path, ids: torch.Tensor, mask: torch.Tensor) -> dict[str, np.ndarray]:
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_outputs()]
    return dict(zip(names, session.run(names, {"input_ids": ids.numpy(), "attention_mask": mask.numpy()}), strict=True))


@pytest.mark.parametrize(("rows", "length"), [(1, 1), (1, 2), (3, 7), (17, 33), (2, 128)])
def test_parity_on_odd_shapes(network: IntentNetwork, exported: Path, rows: int, length: int) -> None:
    random = torch.Generator().manual_seed(rows * 1000 + length)
    ids = torch.randint(4, 50, (rows, length), generator=random)
    lengths = torch.randint(1, length + 1, (rows, 1), generator=random)
    mask = (torch.arange(length)[None, :] < lengths).long()
    ids = torch.where(mask.bool(), ids, torch.tensor(1))
    found = outputs(exported, ids, mask)
    with torch.inference_mode():
        logits, embedding = network(ids, mask), network.embed(ids, mask)
    for task, values in logits.items():
        np.testing.assert_allclose(found[f"{task}_logits"], values.numpy(), atol=2e-6)
    unit = embedding / embedding.norm(dim=1, keepdim=True)
    np.testing.assert_allclose(found["embedding"], unit.numpy(), atol=2e-6)


def test_an_empty_text_is_its_two_ends(network: IntentNetwork, exported: Path, tiny_base: Path) -> None:
    _, tokenizer = load_encoder(tiny_base, None)
    ids = torch.tensor([tokenizer("")["input_ids"]])
    assert ids.tolist() == [[0, 2]]
    found = outputs(exported, ids, torch.ones_like(ids))
    with torch.inference_mode():
        expected = network(ids, torch.ones_like(ids))["intent"].numpy()
    np.testing.assert_allclose(found["intent_logits"], expected, atol=2e-6)


def test_the_graph_is_fused(exported: Path) -> None:
    operators = Counter(node.op_type for node in onnx.load(str(exported)).graph.node)
    assert operators["Attention"] == 2
    assert operators["SkipLayerNormalization"] == 2 * 2 + 1
    assert operators["BiasGelu"] == 2
    assert operators["MatMul"] == 3 * 2
    assert not operators.keys() & {"LayerNormalization", "Softmax", "Erf", "Gelu"}


def test_the_file_is_valid_onnx(exported: Path) -> None:
    onnx.checker.check_model(onnx.load(str(exported)))


def test_another_activation_is_refused(network: IntentNetwork, tiny_base: Path, tmp_path: Path) -> None:
    encoder, _ = load_encoder(tiny_base, None)
    encoder.config.hidden_act = "relu"
    with pytest.raises(UnsupportedEncoder, match="bert with relu"):
        export_onnx(IntentNetwork(encoder, {"intent": 2}, dropout=0.0), tmp_path / "model.onnx")


def test_pruning_keeps_the_named_layers(tiny_base: Path) -> None:
    whole, _ = load_encoder(tiny_base, None)
    cut, _ = load_encoder(tiny_base, (1,))
    assert cut.config.num_hidden_layers == 1
    kept = cut.encoder.layer[0].output.dense.weight
    assert torch.equal(kept, whole.encoder.layer[1].output.dense.weight)
    with pytest.raises(ValueError, match="layers 0 to 1"):
        prune(whole, (0, 2))
