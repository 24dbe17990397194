"""What a search of the knowledge base found. Values only, no framework."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a quoted passage stands. `score` is the estimated probability that it answers."""

    document_id: str
    version: int
    passage: int
    title: str
    section: str
    url: str | None
    score: float

    @property
    def nearest(self) -> str:
        """The last heading above the passage, or its question; where it has none, the title of the document."""
        return self.section.rsplit(" › ", 1)[-1] or self.title

    @property
    def source(self) -> str:
        """The document and what of it is quoted: who reads "Yes." sees to which question."""
        return self.title if self.nearest == self.title else f"{self.title} › {self.nearest}"


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage, with what is quoted of it."""

    quote: str
    citation: Citation


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found: passages that answer, best first, empty when none does; then `near` are those that come near."""

    passages: Sequence[Passage]
    retrieval: Literal["hybrid", "lexical"]
    near: Sequence[Passage] = ()
