"""What a network in PyTorch says of many texts."""

import numpy as np
import torch
from torch import nn

from services.intent.trained.confidence import Floats
from training.intent.batches import Encoded, in_order


@torch.inference_mode()
def predict(network: nn.Module, data: Encoded, pad_id: int, *, batch_size: int = 64) -> dict[str, Floats]:
    """Logits of shape (rows, classes) by task, in the rows' order."""
    network.eval()
    device = next(network.parameters()).device
    found: dict[str, list[Floats]] = {}
    places: list[int] = []
    for batch in in_order(data, batch_size, pad_id):
        for task, values in network(batch.input_ids.to(device), batch.attention_mask.to(device)).items():
            found.setdefault(task, []).append(values.float().cpu().numpy())
        places += batch.places
    back = np.argsort(places)
    return {task: np.concatenate(parts)[back] for task, parts in found.items()}
