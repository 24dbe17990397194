"""The form in which a trained model reads a text, in training and in service. Pure."""

import unicodedata
from typing import Literal


def written_form(text: str) -> str:
    """NFKC (full-width and half-width alike), with runs of white space as one blank."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def with_role(text: str, role: Literal["query", "passage"]) -> str:
    """A text as encoders of the E5 family read it (Wang et al. 2022): what is asked, or what may answer."""
    return f"{role}: {written_form(text)}"
