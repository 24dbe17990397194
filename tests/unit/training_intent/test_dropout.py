"""Dropout on a CPU: as much as was asked for, without bias, by seed, and none when a network is judged."""

from copy import deepcopy
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from training.intent.dropout import CheapDropout, cheapen, dropped
from training.intent.network import IntentNetwork, load_encoder


def network_of(base: Path) -> IntentNetwork:
    torch.manual_seed(1)
    encoder, _ = load_encoder(base, None)
    return IntentNetwork(encoder, {"intent": 3}, dropout=0.1)


@pytest.fixture
def asked() -> tuple[Tensor, Tensor]:
    """Ids and mask of two texts, one of them padded."""
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
    return torch.tensor([[5, 6, 7, 8, 9], [5, 6, 7, 1, 1]]), mask


@pytest.mark.parametrize("share", [0.0001, 0.1, 0.5, 0.99])
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_the_share_is_dropped_and_the_sum_stays(share: float, kind: torch.dtype) -> None:
    torch.manual_seed(3)
    count = 1_000_001
    values = dropped(torch.ones(count, dtype=kind), share).float()
    apart = 5 * (share * (1 - share) / count) ** 0.5 + 2**-16
    assert (values == 0).float().mean().item() == pytest.approx(share, abs=apart)
    assert values.mean().item() == pytest.approx(
        1.0, abs=apart / (1 - share) + (0.004 if kind is torch.bfloat16 else 0)
    )


def test_neighbours_are_dropped_independently() -> None:
    torch.manual_seed(4)
    gone = (dropped(torch.ones(4_000_000), 0.5) == 0).float() - 0.5
    for step in range(1, 6):
        assert abs((gone[step:] * gone[:-step]).mean().item()) < 5 * 0.25 / 4_000_000**0.5


def test_all_or_nothing() -> None:
    values = torch.rand(3, 5)
    assert torch.equal(dropped(values, 1.0), torch.zeros(3, 5))
    assert torch.equal(CheapDropout(0.0)(values), values)
    assert torch.equal(CheapDropout(0.5).eval()(values), values)
    assert dropped(torch.rand(0, 5), 0.5).shape == (0, 5)


def test_a_gradient_goes_where_its_value_went() -> None:
    values = torch.rand(7, 9, requires_grad=True)
    kept = dropped(values, 0.5)
    kept.sum().backward()  # type: ignore[no-untyped-call]
    assert values.grad is not None
    assert torch.equal(values.grad * values.detach(), kept.detach())
    assert set(values.grad.unique().tolist()) == {0.0, 2.0}


def test_a_network_judged_tells_what_it_told_before(tiny_base: Path, asked: tuple[Tensor, Tensor]) -> None:
    network = network_of(tiny_base).eval()
    cheap = deepcopy(network)
    cheapen(cheap)
    assert not any(type(module) is nn.Dropout for module in cheap.modules())
    assert torch.allclose(network(*asked)["intent"], cheap(*asked)["intent"], atol=1e-6)


def test_the_attention_drops_too_by_seed(tiny_base: Path, asked: tuple[Tensor, Tensor]) -> None:
    network = network_of(tiny_base)
    cheapen(network)
    for module in network.modules():
        if isinstance(module, CheapDropout) and module is not network.encoder.encoder.layer[0].attention.self.dropout:
            module.p = 0.0
    told = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        told.append(network.train()(*asked)["intent"])
    assert torch.equal(told[0], told[1])
    assert not torch.equal(told[0], told[2])
