"""A random encoder that is wide enough for products in whole blocks, and what goes into its products."""

from pathlib import Path

import numpy as np
import torch
from transformers import BertConfig, BertModel

from training.intent.evening import Looks, looks_at
from training.intent.quantise import SECOND_HALVES


def wide_encoder(*, layer_norm_eps: float = 1e-12) -> BertModel:
    """Two layers, 128 wide, over 64 words; the same at each call."""
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=64,
        hidden_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=256,
        max_position_embeddings=32,
        layer_norm_eps=layer_norm_eps,
    )
    return BertModel(config, add_pooling_layer=False)


def wide_looks(path: Path) -> Looks:
    """At a file of such an encoder, over texts of some of its words."""
    random = np.random.default_rng(8)
    texts = [[0, *random.integers(4, 64, length).tolist(), 2] for length in random.integers(1, 20, 60)]
    return looks_at(path, SECOND_HALVES, texts, 1)
