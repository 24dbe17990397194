"""The running average of the weights that are trained: what is validated and shipped."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Average:
    """Exponential moving average (Polyak and Juditsky 1992) of a network's trainable parameters, by name.

    In the first steps the decay is (1 + n) / (10 + n), so that the average does not drag the untrained start along.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._decay = decay
        self._updates = 0
        self._values = {name: value.detach().clone() for name, value in _trained(network).items()}

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Draw the average towards the network's present weights."""
        self._updates += 1
        decay = min(self._decay, (1 + self._updates) / (10 + self._updates))
        torch._foreach_lerp_(list(self._values.values()), list(_trained(network).values()), 1 - decay)

    @contextmanager
    def applied(self, network: nn.Module) -> Iterator[None]:
        """The network with the average for its weights, and afterwards with its own again."""
        own = {name: value.detach().clone() for name, value in _trained(network).items()}
        put(network, self._values)
        try:
            yield
        finally:
            put(network, own)

    def values(self) -> dict[str, Tensor]:
        """A copy on the CPU."""
        return {name: value.cpu().clone() for name, value in self._values.items()}

    def state_dict(self) -> dict[str, object]:
        return {"updates": self._updates, "values": self.values()}

    def load_state_dict(self, saved: dict[str, object]) -> None:
        updates, values = saved["updates"], saved["values"]
        if not isinstance(updates, int) or not isinstance(values, dict):
            raise TypeError("not the state of an average")
        self._updates = updates
        for name, value in values.items():
            self._values[name].copy_(value)


def halfway(begun: dict[str, Tensor], ended: dict[str, Tensor]) -> dict[str, Tensor]:
    """Half-way between the weights that a run went on from and those that it ended with: there what was known before and what is new
    are often both known better than at either end (Wortsman et al. 2022, WiSE-FT)."""
    return {name: (begun[name] + value) / 2 for name, value in ended.items()}


@torch.no_grad()
def put(network: nn.Module, values: dict[str, Tensor]) -> None:
    """Write `values` into the network's parameters of those names."""
    parameters = dict(network.named_parameters())
    for name, value in values.items():
        parameters[name].copy_(value)


def _trained(network: nn.Module) -> dict[str, nn.Parameter]:
    return {name: value for name, value in network.named_parameters() if value.requires_grad}
