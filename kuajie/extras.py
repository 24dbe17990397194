"""What some subcommands need beyond the command itself: the extras of the distribution."""

from collections.abc import Iterator
from contextlib import contextmanager

from kuajie.failures import BadInput


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Turns an import in the block that fails for want of a package into BadInput, which says what to install."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in {"training", "services", "kuajie"}:
            raise
        raise BadInput(f"{error.name} is not installed; this needs the extra: pip install 'kuajie[{extra}]'") from error
