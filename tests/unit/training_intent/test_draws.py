"""Dropout's numbers: those that torch draws, whoever draws them."""

import pytest
import torch
from torch import Generator, Tensor, nn

from training.intent import draws
from training.intent.draws import draw, draw_faster

SHAPES = [(0,), (1,), (7, 3), (65_536,), (65_537,), (3, 50_001)]


def seeded() -> Generator:
    return torch.Generator().manual_seed(7)


def plain(shape: tuple[int, ...], p: float, generator: Generator) -> Tensor:
    """As torch's kernel draws: 53 bits a number, compared with the probability."""
    return torch.rand(shape, dtype=torch.float64, generator=generator) < p


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64, torch.bool], ids=str)
def test_the_numbers_are_those_of_the_plain_way(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    generator, other = seeded(), seeded()
    drawn = draw(torch.empty(shape, dtype=dtype), 0.9, generator=generator)
    assert torch.equal(drawn, plain(shape, 0.9, other).to(dtype))
    assert torch.equal(generator.get_state(), other.get_state())


@pytest.mark.parametrize("p", [0.0, 0.05, 0.5, 1.0])
def test_any_probability_will_do(p: float) -> None:
    drawn = draw(torch.empty(100_000), p, generator=seeded())
    assert torch.equal(drawn.bool(), plain((100_000,), p, seeded()))
    assert abs(float(drawn.mean()) - p) < 0.005


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_what_is_no_probability_is_refused(p: float) -> None:
    with pytest.raises(RuntimeError, match="in \\[0, 1\\]"):
        draw(torch.empty(3), p)


def test_a_tensor_that_is_not_in_order_is_filled_too() -> None:
    target = torch.full((40, 30), 7.0)
    draw(target.t(), 0.5, generator=seeded())
    assert torch.equal(target.t().bool(), plain((30, 40), 0.5, seeded()))


def test_torch_draws_the_same_after_as_before_it_was_made_faster() -> None:
    """Whatever this processor is: taken over or not, seeded dropout is what it was."""
    taken = draw_faster()
    torch.manual_seed(3)
    dropped = nn.functional.dropout(torch.ones(1000, 70), 0.1)
    if taken:
        torch.manual_seed(3)
        kept = torch.rand(1000, 70, dtype=torch.float64) < 0.9
        assert torch.equal(dropped, kept.float() / 0.9)
    assert 0.89 < float((dropped > 0).float().mean()) < 0.91


def test_where_torch_would_draw_other_numbers_it_goes_on_doing_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def other(target: Tensor, p: float = 0.5, *, generator: Generator | None = None) -> Tensor:
        return target.fill_(1.0)

    monkeypatch.setattr(draws, "draw", other)
    assert not draw_faster.__wrapped__()
    assert not bool(torch.empty(1000).bernoulli_(0.5).all())
