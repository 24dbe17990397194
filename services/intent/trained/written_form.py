"""The form in which a trained model reads a text, in training and in service. Pure."""

import unicodedata
from typing import Literal

from services.intent.characters import simplified


def written_form(text: str) -> str:
    """NFKC (full-width and half-width alike), simplified characters, runs of white space as one blank, in lower case what is shouted.

    Shouted is a text more than half of whose letters are capitals: pieces of words in capitals are hardly ever met in training.
    """
    form = " ".join(simplified(unicodedata.normalize("NFKC", text)).split())
    lowered = form.lower()
    return lowered if lowered != form and _shouted(form) else form


def _shouted(form: str) -> bool:
    return 2 * sum(map(str.isupper, form)) > sum(map(str.isalpha, form))


def with_role(text: str, role: Literal["query", "passage"]) -> str:
    """A text as encoders of the E5 family read it (Wang et al. 2022): what is asked, or what may answer."""
    return f"{role}: {written_form(text)}"
