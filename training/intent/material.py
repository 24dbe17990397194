"""The rows of a run, encoded, and what is known of their words and classes."""

from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerFast

from training.intent.batches import Encoded, encode
from training.intent.config import TrainConfig
from training.intent.rows import Row, Vocabulary, language_of, split


@dataclass(frozen=True, slots=True)
class Material:
    """The rows of a run, encoded; `strangers` are texts out of scope, which only the verdict on scope is chosen on."""

    train_rows: list[Row]
    train: Encoded
    validation: Encoded
    strangers: Encoded
    vocabulary: Vocabulary
    tokenizer: PreTrainedTokenizerFast

    @property
    def spoken(self) -> list[int]:
        """The ids of the words that the training rows speak."""
        return sorted({token for tokens in self.train.tokens for token in tokens})

    @property
    def pad_id(self) -> int:
        return int(self.tokenizer.pad_token_id or 0)


def prepare(
    rows: Sequence[Row],
    given: Sequence[Row],
    unknown: Sequence[str],
    tokenizer: PreTrainedTokenizerFast,
    config: TrainConfig,
) -> Material:
    """Everything encoded; without `given` rows some of `rows` are held out for validation. `unknown` are texts out of scope."""
    vocabulary = Vocabulary.of(rows)
    train, validation = (list(rows), list(given)) if given else split(rows, config.validation_share, seed=config.seed)

    def encoded(part: Sequence[Row]) -> Encoded:
        return encode(part, tokenizer, vocabulary, prefix=config.prefix, max_tokens=config.max_tokens)

    strangers = [Row(text, {}, language_of(text)) for text in unknown]
    return Material(train, encoded(train), encoded(validation), encoded(strangers), vocabulary, tokenizer)
