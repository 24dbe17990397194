"""The network: a pruned transformer encoder, the mean over its tokens, and one linear head a task."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from huggingface_hub import constants, snapshot_download
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError, RepositoryNotFoundError
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedTokenizerFast
from transformers.utils import logging

FILES, DEEPER = ["*.json", "*.txt", "*.model", "*.safetensors", "NOTICE*", "LICENSE*"], "*/*"
"""What of a hub's repository is needed, all of it in its top folder."""
Encoder = Any
"""A `PreTrainedModel` of the BERT family: transformers types its parts as anything that a module may hold."""


class UnsupportedEncoder(ValueError):
    """The encoder is not of the BERT family that the export knows."""


def load_encoder(base: str | Path, layers: Sequence[int] | None) -> tuple[Encoder, PreTrainedTokenizerFast]:
    """The encoder and tokenizer of a local folder or a hub id, cut to `layers` (None keeps all). Raises OSError, or ValueError."""
    spoken: Any = logging
    spoken.set_verbosity_error()
    spoken.disable_progress_bar()
    folder = Path(base) if Path(base).is_dir() else _fetched(str(base))
    encoder = _weighted(folder)
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler = None  # The mean over tokens is the sentence; a pooler would be dead weight in the export.
    if layers is not None:
        prune(encoder, layers)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise OSError(f"{base} has no fast tokenizer (tokenizer.json)")
    return encoder, tokenizer


def _weighted(folder: Path) -> Encoder:
    """The encoder with the weights of the folder. Raises `UnsupportedEncoder`, and OSError for weights that are damaged or lack some.

    transformers would draw at random what is missing, and say so in a log line only.
    """
    refuse_foreign(AutoConfig.from_pretrained(folder))
    model: Any = AutoModel
    try:
        encoder, told = model.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="sdpa", output_loading_info=True
        )
    except (SafetensorError, RuntimeError, EOFError, UnpicklingError) as error:
        raise OSError("its weights are damaged, or not those that its config.json tells of") from error
    if missing := sorted(name for name in told["missing_keys"] if not name.startswith("pooler.")):
        raise OSError(f"its weights have no {missing[0]} (and {len(missing) - 1} more that its config.json tells of)")
    loaded: Encoder = encoder
    return loaded


def _fetched(hub_id: str) -> Path:
    """The folder in the hub's cache, with what is missing brought there. Raises OSError.

    Loading by hub id would try again for a minute where the hub is out of reach; this asks once, and takes what is cached.
    """
    try:
        folder = Path(snapshot_download(hub_id, allow_patterns=FILES, ignore_patterns=DEEPER))
        if not any(folder.glob("*.safetensors")):
            snapshot_download(hub_id, allow_patterns="*.bin", ignore_patterns=DEEPER)
    except HFValidationError:
        raise OSError("there is no such folder, and it is no hub id") from None
    except LocalEntryNotFoundError as error:
        raise OSError(f"there is no such folder, and {constants.ENDPOINT} cannot be reached") from error
    except RepositoryNotFoundError as error:
        raise OSError(f"there is no such folder, and {constants.ENDPOINT} shows no such repository") from error
    return folder


def refuse_foreign(config: Any) -> None:
    """Raises `UnsupportedEncoder` for the configuration of an encoder that the export does not know."""
    activation = getattr(config, "hidden_act", None)
    if config.model_type != "bert" or activation != "gelu":
        raise UnsupportedEncoder(f"the encoder {config.model_type} with {activation} cannot be exported")


def prune(encoder: Encoder, layers: Sequence[int]) -> None:
    """Keep only the named layers (Sajjad et al. 2023); raises ValueError for a layer that there is not."""
    stack = encoder.encoder.layer
    if not layers or min(layers) < 0 or max(layers) >= len(stack):
        raise ValueError(f"the encoder has the layers 0 to {len(stack) - 1}")
    encoder.encoder.layer = nn.ModuleList([stack[index] for index in layers])
    encoder.config.num_hidden_layers = len(layers)


class IntentNetwork(nn.Module):
    """Token ids and mask of shape (batch, tokens) to logits of shape (batch, classes) by task, and the embedding."""

    def __init__(self, encoder: Encoder, classes: Mapping[str, int], *, dropout: float) -> None:
        super().__init__()
        self.encoder: Encoder = encoder
        self.dropout = nn.Dropout(dropout)
        width: int = encoder.config.hidden_size
        heads = {task: nn.Linear(width, count) for task, count in classes.items()}
        for head in heads.values():
            nn.init.normal_(head.weight, std=0.02)
            nn.init.zeros_(head.bias)
        self.heads = nn.ModuleDict(heads)

    def embed(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """The mean over real tokens, (batch, width), not normalised."""
        hidden: Tensor = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state.float()
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
        return (hidden * mask).sum(1) / mask.sum(1).clamp(min=1.0)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> dict[str, Tensor]:
        """Mean and heads are in float32, whatever the encoder computes in: embeddings of unlike texts differ by little."""
        sentence = self.embed(input_ids, attention_mask)
        with torch.autocast(sentence.device.type, enabled=False):
            return {task: head(self.dropout(sentence)) for task, head in self.heads.items()}


class SpokenWords(nn.Module):
    """A table of word embeddings of which only the rows that the training texts speak are trained.

    A multilingual table is most of a small encoder's weights, and updating all of it half of a step's time; rows that occur in no
    text would only decay. What is trained is a change per spoken word, so that weight decay draws towards the table as it came.
    """

    def __init__(self, table: Tensor, spoken: Iterable[int]) -> None:
        super().__init__()
        ids = torch.tensor(sorted(set(spoken)), dtype=torch.long)
        slots = torch.zeros(len(table), dtype=torch.long)
        slots[ids] = torch.arange(1, len(ids) + 1)
        self.table: Tensor
        self.slots: Tensor
        self.register_buffer("table", table.detach(), persistent=False)
        self.register_buffer("slots", slots, persistent=False)
        self.changes = nn.Parameter(torch.zeros(len(ids) + 1, table.shape[1]))

    @property
    def weight(self) -> Tensor:
        """The whole table with its changes, (words, width)."""
        return self.table + self.changes[self.slots]

    def forward(self, ids: Tensor) -> Tensor:
        kept = nn.functional.embedding(ids, self.table)
        return kept + nn.functional.embedding(self.slots[ids], self.changes, padding_idx=0)


def train_spoken(network: IntentNetwork, spoken: Iterable[int]) -> None:
    """Train the embeddings of the words `spoken` (token ids) and leave all others as they are; none: leave them all."""
    embeddings = network.encoder.embeddings
    embeddings.word_embeddings = SpokenWords(embeddings.word_embeddings.weight, spoken)


def with_lora(network: IntentNetwork, rank: int) -> IntentNetwork:
    """Train low-rank updates of the attention's projections and the heads only (Hu et al. 2021)."""
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=rank, lora_alpha=2 * rank, lora_dropout=0.05, target_modules=["query", "key", "value", "dense"]
    )
    network.encoder = get_peft_model(network.encoder, config)
    return network


def merged(network: IntentNetwork) -> IntentNetwork:
    """The network with its low-rank updates folded into the weights; itself when there are none."""
    if hasattr(network.encoder, "merge_and_unload"):
        network.encoder = network.encoder.merge_and_unload()
    return network
