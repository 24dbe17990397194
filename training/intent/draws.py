"""The random numbers of dropout, drawn faster than torch draws them, and yet the very same: a run by seed is the same run.

On CPUs but Intel's, torch fills a tensor with `bernoulli_` one number after the other on one core: a seventh of a step's time. The
generator gives its numbers one after the other, too; but what is made of them can be made by all cores.
"""

import math
import warnings
from functools import cache
from typing import Any

import torch
from torch import Generator, Tensor

_BITS = 53
"""Of a number that are compared with the probability: a double's."""
_PIECE = 1 << 16
"""Numbers at a time: they fit into a core's cache, and are enough for two cores to share."""
_LIBRARY: Any = torch.library
_OURS = _LIBRARY.Library("aten", "IMPL")
"""What torch draws with from here on, as long as it lives."""


def draw(target: Tensor, p: float = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Fill `target`, of any shape on the CPU, with 1 with probability `p` and else with 0; `generator` None is torch's own.

    Raises RuntimeError for a `p` that is none, as torch does.
    """
    if not 0 <= p <= 1:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p}")
    if not target.is_contiguous():
        whole = torch.empty_like(target, memory_format=torch.contiguous_format)
        return target.copy_(draw(whole, p, generator=generator))
    least = math.ceil(p * 2**_BITS)
    drawn = torch.empty(min(_PIECE, target.numel()), dtype=torch.int64)
    for piece in torch.split(target.view(-1), _PIECE):
        numbers = drawn[: len(piece)].random_(-(2**63), None, generator=generator)
        torch.lt(numbers.bitwise_and_((1 << _BITS) - 1), least, out=piece)
    return target


@cache
def draw_faster() -> bool:
    """Have torch draw so in this process, unless it would draw other numbers, as on Intel's CPUs; whether it does so now."""
    theirs = torch.empty(2 * _PIECE + 1).bernoulli_(0.9, generator=torch.Generator().manual_seed(1))
    alike = torch.equal(draw(torch.empty_like(theirs), 0.9, generator=torch.Generator().manual_seed(1)), theirs)
    if alike:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "(?s).*Overriding a previously registered kernel", UserWarning)
            _OURS.impl("bernoulli_.float", draw, "CPU", allow_override=True)
    return alike
