"""A random encoder that is wide enough for products in whole blocks."""

import torch
from transformers import BertConfig, BertModel


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
