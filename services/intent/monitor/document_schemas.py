"""Documents of opinion monitoring on the wire: what comes in, the verdicts, what is known of each.

Names that are answered are open: those that a newer build stored are passed on as they are.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from services.intent.labels import OpinionTopic, Sentiment
from services.intent.schemas import written
from services.intent.writing import MAX_DOCUMENT_CHARS
from services.kit.wire import EdgeModel, ExternalId, MessageModel

MAX_DOCUMENTS = 200

DocumentText = Annotated[str, StringConstraints(strict=True, max_length=MAX_DOCUMENT_CHARS), AfterValidator(written)]
Url = Annotated[str, StringConstraints(max_length=2_000, pattern=r"^https?://[^\s\x00-\x1f\x7f]+$")]
EARLIEST, LATEST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def _of_our_time(moment: datetime) -> datetime:
    if not EARLIEST <= moment < LATEST:
        raise PydanticCustomError("moment_out_of_range", "The moment is before 1990 or after 2199.")
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_of_our_time)]
Topic = OpinionTopic

_EXAMPLE: dict[str, Any] = {
    "document_id": "weibo-5012",
    "text": "等了四十分钟客服才接,问题还是没解决,太差了",
    "published_at": "2026-06-01T09:12:00+08:00",
    "source": "weibo",
}


class DocumentIn(EdgeModel):
    """A piece of public text. The author comes as a hash that you made: names and handles are not needed here."""

    document_id: ExternalId
    text: DocumentText
    published_at: AwareDatetime
    source: ExternalId | None = None
    url: Url | None = None
    author_hash: ExternalId | None = None
    locale: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)] | None = (
        None
    )
    weight: float = Field(
        1.0, ge=0, le=1e9, allow_inf_nan=False, description="Reach, such as readers; not used to detect."
    )


class DocumentBatch(EdgeModel):
    """Up to 200 documents. Each is judged on its own, so what they hold is not part of this schema's validation."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"documents": [_EXAMPLE]}]})

    documents: list[Any] = Field(
        min_length=1,
        max_length=MAX_DOCUMENTS,
        description=f"document_id, text (1 to {MAX_DOCUMENT_CHARS} characters), published_at; "
        "source, url, author_hash, locale, weight",
    )


DocumentStatus = Literal["accepted", "duplicate", "near_duplicate", "invalid"]


class DocumentVerdict(MessageModel):
    """What became of one document, in the order of the batch."""

    document_id: str | None
    status: DocumentStatus
    near_duplicate_of: str | None = Field(
        None, description="The first document of the cluster, which counts for all of it where it can be read."
    )
    similarity: float | None = Field(None, description="Jaccard similarity to it.")
    code: str | None = None
    param: str | None = None
    detail: str | None = None


class DocumentVerdicts(MessageModel):
    """Verdicts and their counts. Topic and sentiment follow within seconds: read them at the document."""

    accepted: int
    duplicates: int
    near_duplicates: int
    invalid: int
    results: list[DocumentVerdict]


class Document(MessageModel):
    """A document and what is known of it. `cluster_id` is the document that came first of its near-duplicates."""

    document_id: str
    text: str
    published_at: datetime
    received_at: datetime
    source: str | None
    url: str | None
    author_hash: str | None
    locale: str | None
    weight: float
    cluster_id: str
    similarity: float | None
    state: Literal["pending", "classified", "failed"] | str
    topic: Topic | str | None
    topic_confidence: float | None
    sentiment: Sentiment | str | None
    negative: float | None = Field(description="Probability that it is negative.")
    model: str | None = Field(description="Which model said so, as name/version.")


class SeriesPoint(MessageModel):
    """Counts from `begin` to `end`. `documents` and `negatives` count clusters of near-duplicates once."""

    begin: datetime
    end: datetime
    documents: int
    negatives: int
    negative_share: float | None
    share_low: float = Field(description="Wilson bounds of 95 %.")
    share_high: float
    received: int
    received_negatives: int
    reach: float


class TopicSeries(MessageModel):
    """One topic, in the order of time."""

    topic: Topic | str
    points: list[SeriesPoint]


class Series(MessageModel):
    """Series by topic, those that only a newer build knows last; days and weeks begin in `timezone`."""

    step: str
    timezone: str
    source: str | None
    series: list[TopicSeries]
