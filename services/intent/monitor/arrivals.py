"""Documents on their way in, and the clusters of near-duplicates that they find."""

from dataclasses import dataclass
from datetime import datetime

from services.intent.monitor.document_schemas import DocumentIn
from services.intent.monitor.minhash import Signature, Words


@dataclass(frozen=True, slots=True)
class Arrived:
    """A document that can be kept; without `words`, the shingles of its text, where that is too short to have near-duplicates."""

    place: int
    document: DocumentIn
    published_at: datetime
    digest: bytes
    words: Words | None = None
    signed: Signature | None = None


@dataclass(frozen=True, slots=True)
class Cluster:
    """The document that came first, and the similarity to it; None for the first itself."""

    first: str
    similarity: float | None


@dataclass(frozen=True, slots=True)
class First:
    """The first document of a cluster, which others are held against."""

    signed: Signature
    text: str
    published_at: datetime
