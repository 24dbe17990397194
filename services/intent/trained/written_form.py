"""The form in which a trained model reads a text, in training and in service. Pure."""

import unicodedata


def written_form(text: str) -> str:
    """NFKC (full-width and half-width alike), with runs of white space as one blank."""
    return " ".join(unicodedata.normalize("NFKC", text).split())
