"""What a network in PyTorch says of many texts."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor, nn

from services.intent.trained.confidence import Floats
from training.intent.batches import Encoded, in_order
from training.intent.network import IntentNetwork

BATCH = 64


def predict(network: nn.Module, data: Encoded, pad_id: int) -> dict[str, Floats]:
    """Logits of shape (rows, classes) by task, in the rows' order."""
    return _told(network, network, data, pad_id)


def embed(network: IntentNetwork, data: Encoded, pad_id: int, *, half: bool) -> Floats:
    """The embeddings of the rows, (rows, width), in their order; `half` computes in bfloat16."""

    def tell(input_ids: Tensor, attention_mask: Tensor) -> dict[str, Tensor]:
        return {"embedding": network.embed(input_ids, attention_mask)}

    with torch.autocast(next(network.parameters()).device.type, dtype=torch.bfloat16, enabled=half):
        return _told(network, tell, data, pad_id)["embedding"].astype(np.float64)


@torch.inference_mode()
def _told(
    network: nn.Module, tell: Callable[[Tensor, Tensor], Mapping[str, Tensor]], data: Encoded, pad_id: int
) -> dict[str, Floats]:
    """What `tell` makes of ids and mask, (rows, width) by name, as of a network that is not in training."""
    network.eval()
    device = next(network.parameters()).device
    found: dict[str, list[Floats]] = {}
    places: list[int] = []
    for batch in in_order(data, BATCH, pad_id):
        for name, values in tell(batch.input_ids.to(device), batch.attention_mask.to(device)).items():
            found.setdefault(name, []).append(values.float().cpu().numpy())
        places += batch.places
    back = np.argsort(places)
    return {name: np.concatenate(parts)[back] for name, parts in found.items()}
