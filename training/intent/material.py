"""The rows of a run, encoded, and what is known of their words and classes."""

from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerFast

from services.intent.labels import OUT_OF_SCOPE
from training.intent.batches import Encoded, encode
from training.intent.config import TrainConfig
from training.intent.remarks import Remarks
from training.intent.rows import Row, UnusableData, Vocabulary, language_of, split


class UnusableValidation(UnusableData):
    """Nothing can be chosen on the validation rows. The message says what they lack; their files are known to who read them."""


@dataclass(frozen=True, slots=True)
class Division:
    """The rows of a run by what they are for, and the classes that are learned."""

    train: list[Row]
    validation: list[Row]
    vocabulary: Vocabulary


def divide(rows: Sequence[Row], given: Sequence[Row], config: TrainConfig) -> Division:
    """Without `given` rows some of `rows` are held out for validation. Needs no model, so that a run is refused before it begins.

    Raises `UnusableData` for classes that no model could be served with and `UnusableValidation`. Rows out of scope may be missing:
    scope is then judged by distance, and its threshold keeps most of the rows in scope.
    """
    vocabulary = Vocabulary.of(rows)
    if "intent" not in vocabulary.classes:
        raise UnusableData("no row has a label: a model that tells no intent is not served")
    if "negative" not in vocabulary.classes.get("sentiment", ("negative",)):
        raise UnusableData("no row has the sentiment negative: a model that tells sentiment without it is not served")
    train, validation = (list(rows), list(given)) if given else split(rows, config.validation_share, seed=config.seed)
    if not validation:
        raise UnusableValidation(
            "no label has two texts of its own, so that none can be held out for validation: give more rows, or --validation"
        )
    if lack := _lack(validation):
        raise UnusableValidation(lack if given else f"of the rows held out for validation, {lack}")
    return Division(train, validation, vocabulary)


def _lack(validation: Sequence[Row]) -> str | None:
    """What is missing for a run to be judged and calibrated; None when it is all there."""
    if any(row.labels.get("intent", OUT_OF_SCOPE) != OUT_OF_SCOPE for row in validation):
        return None
    return f"no row is in scope (has an intent other than {OUT_OF_SCOPE}): there is nothing to set the threshold of scope by"


@dataclass(frozen=True, slots=True)
class Material:
    """The rows of a run, encoded; `strangers` are texts out of scope, which only the verdict on scope is chosen on."""

    train_rows: list[Row]
    train: Encoded
    validation: Encoded
    strangers: Encoded
    vocabulary: Vocabulary
    tokenizer: PreTrainedTokenizerFast
    remarks: Remarks

    @property
    def spoken(self) -> list[int]:
        """The ids of the words that the training rows speak."""
        return sorted({token for tokens in self.train.tokens for token in tokens})

    @property
    def pad_id(self) -> int:
        return int(self.tokenizer.pad_token_id or 0)


def prepare(
    division: Division, unknown: Sequence[str], tokenizer: PreTrainedTokenizerFast, config: TrainConfig
) -> Material:
    """Everything encoded; `unknown` are texts out of scope. Raises `UnusableData` for a class that only validation rows have."""
    vocabulary = division.vocabulary

    def encoded(part: Sequence[Row]) -> Encoded:
        return encode(part, tokenizer, vocabulary, prefix=config.prefix, max_tokens=config.max_tokens)

    strangers = [Row(text, {}, language_of(text)) for text in unknown]
    train, validation = encoded(division.train), encoded(division.validation)
    remarks = Remarks.of(division.train, division.validation, [train, validation], max_tokens=config.max_tokens)
    return Material(division.train, train, validation, encoded(strangers), vocabulary, tokenizer, remarks)
