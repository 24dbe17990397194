"""A package's tokenizer, opened once a version: to parse its file takes a tenth of a second in which no other thread gets on."""

from collections.abc import Sequence

from tokenizers import Encoding, Tokenizer

from services.intent.model import ModelRefused
from services.intent.trained.package import TOKENIZER, Package


def open_tokenizer(package: Package) -> Tokenizer:
    """It neither pads nor cuts. Raises `ModelRefused` for a file that holds none."""
    try:
        tokenizer = Tokenizer.from_file(str(package.folder / TOKENIZER))
    except Exception as error:  # the library raises nothing narrower
        raise ModelRefused(f"{package.folder.name}/{TOKENIZER} is no tokenizer") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def cut(read: Encoding, most: int) -> Sequence[int]:
    """Token ids, at most so many: the first ones, and the special tokens that close a text."""
    ids: list[int] = read.ids
    if len(ids) <= most:
        return ids
    mask = read.special_tokens_mask
    closing = next((place for place, special in enumerate(reversed(mask)) if not special), 0)
    return ids[: most - closing] + ids[len(ids) - closing :]
