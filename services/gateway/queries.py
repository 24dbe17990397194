"""Query parameters of forwarded routes, for the documentation: the back ends check them."""

from typing import Literal

from pydantic import BaseModel, Field

from services.intent.monitor.schemas import AlertStatus, DeliveryState, Topic
from services.kit.wire import DEFAULT_LOCALE, ExternalId, Locale, Timestamp


class PageQuery(BaseModel):
    """A page of a list."""

    limit: int = Field(50, ge=1, le=200, description="Rows of one page.")
    cursor: str | None = Field(None, description="The `next_cursor` of the page before.")


class ListQuery(BaseModel):
    """A list of items to show."""

    limit: int = Field(10, ge=1, le=100, description="How many items.")
    locale: Locale = DEFAULT_LOCALE


class PopularQuery(ListQuery):
    """Popular or latest items, of one category when it is given."""

    category: str | None = Field(None, max_length=128)


class ItemsQuery(PageQuery):
    """A page of the catalogue, of one category when it is given."""

    category: str | None = Field(None, max_length=128)


class ConversationsQuery(PageQuery):
    """A page of conversations of one person, of one owner, or all."""

    user_id: ExternalId | None = None
    owner: Literal["bot", "agent", "closed"] | None = None


class HandOffsQuery(PageQuery):
    """A page of hand-offs in one state, for one reason."""

    status: Literal["waiting", "claimed", "given_back", "closed"] | None = "waiting"
    reason: Literal["requested", "low_confidence", "no_answer", "complaint", "risk_words", "form", "agent"] | None = (
        None
    )


class StretchQuery(BaseModel):
    """A stretch of time: the last seven days by default, a year at most."""

    since: Timestamp | None = None
    until: Timestamp | None = None


class ProductsQuery(PageQuery):
    """A page of products of one status."""

    status: Literal["draft", "live", "retired"] = "live"


class FeaturesQuery(BaseModel):
    """When the features are read at."""

    as_of: Timestamp | None = Field(None, description="The last event of all by default.")


class ImportQuery(BaseModel):
    """Whether rows are kept or only judged."""

    dry_run: bool = Field(False, description="Report what would happen, and write nothing.")


class VersionQuery(BaseModel):
    """A version of a product."""

    version: int | None = Field(None, ge=1, description="The live version when it is not given.")


class LocaleQuery(BaseModel):
    """The reader's language."""

    locale: Locale = DEFAULT_LOCALE


class SpanQuery(BaseModel):
    """A span of time, the end not included."""

    since: Timestamp | None = Field(None, description="From here on, this moment included.")
    until: Timestamp | None = Field(None, description="Up to here, this moment not included.")


class DocumentsQuery(PageQuery, SpanQuery):
    """A page of documents that are alike in what is given."""

    topic: Topic | None = None
    source: ExternalId | None = None
    sentiment: Literal["negative", "neutral", "positive"] | None = None
    cluster_id: ExternalId | None = None


class SeriesQuery(SpanQuery):
    """A series of one topic or of all."""

    topic: Topic | None = None
    source: ExternalId | None = None
    step: Literal["1h", "3h", "6h", "12h", "1d", "1w"] = "1h"


class AlertsQuery(PageQuery):
    """A page of alerts of one status or topic."""

    status: AlertStatus | None = None
    topic: Topic | None = None


class SilencesQuery(PageQuery):
    """A page of silences."""

    active: bool = Field(False, description="Only those that are not over.")


class DeliveriesQuery(PageQuery):
    """A page of deliveries of one state or webhook."""

    state: DeliveryState | None = None
    webhook_id: ExternalId | None = None
