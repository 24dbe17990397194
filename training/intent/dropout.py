"""Dropout (Srivastava et al. 2014) that takes little time on a CPU.

torch draws a number of 53 bits for every value there, in one thread: a sixth of a step of a small encoder. Sixteen bits do as well:
the share that is dropped is off by less than a hundred-thousandth, and what is kept is scaled by what that share really is.
"""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import eager_mask

from training.intent.network import IntentNetwork

ATTENTION = "eager_cheap_dropout"
_BITS, _A_DRAW = 16, 4


class _Kept(torch.autograd.Function):
    """Values of any shape times a mask of zeros and 1 / (the share kept)."""

    @staticmethod
    def forward(context: Any, values: Tensor, share: float) -> Tensor:
        mask = keep_mask(values, share)
        context.save_for_backward(mask)
        return values * mask

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (mask,) = context.saved_tensors
        return gradients[0] * mask, None


class CheapDropout(nn.Dropout):
    """`nn.Dropout` with other random numbers of torch's generator."""

    def forward(self, values: Tensor) -> Tensor:
        return dropped(values, self.p) if self.training and self.p else values


def dropped(values: Tensor, share: float) -> Tensor:
    """`values` with about `share` of them (0 to 1) set to zero, the rest scaled so that the expectation stays."""
    kept: Tensor = _Kept.apply(values, share)  # type: ignore[no-untyped-call]
    return kept


def keep_mask(values: Tensor, share: float) -> Tensor:
    """Of the shape and type of `values`: 0 for what is dropped, else 1 / (the share kept). All are zero for a share of 1."""
    count, levels = values.numel(), 1 << _BITS
    limit = round(share * levels)
    if limit >= levels:
        return torch.zeros_like(values)
    draws = torch.empty(-(-count // _A_DRAW), dtype=torch.int64).random_(-(1 << 63), None)
    bits = draws.view(torch.int16)[:count].view(values.shape)
    return (bits >= limit - levels // 2).to(values.dtype).mul_(levels / (levels - limit))


def cheapen(network: IntentNetwork) -> None:
    """Have every dropout of a network on a CPU done so, the attention's too."""
    for module in list(network.modules()):
        for name, child in module.named_children():
            if type(child) is nn.Dropout:
                setattr(module, name, CheapDropout(child.p).train(child.training))
    AttentionInterface.register(ATTENTION, _attention)
    AttentionMaskInterface.register(ATTENTION, eager_mask)
    network.encoder.config._attn_implementation = ATTENTION


def _attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[Tensor, Tensor]:
    """Attention (Vaswani et al. 2017) of (batch, heads, tokens, width), its outcome (batch, tokens, heads, width), and its weights.

    In float32, as torch's own does it for values of sixteen bits.
    """
    with torch.autocast(query.device.type, enabled=False):
        scores = query.float() @ key.float().transpose(2, 3) * (query.size(-1) ** -0.5 if scaling is None else scaling)
        if attention_mask is not None:
            scores = scores + attention_mask
        weights = scores.softmax(dim=-1)
        if dropout:
            weights = dropped(weights, dropout)
        found = weights @ value.float()
    return found.to(value.dtype).transpose(1, 2).contiguous(), weights
