"""Wire types of opinion monitoring."""

from services.intent.monitor.document_schemas import (
    Document,
    DocumentBatch,
    DocumentVerdict,
    DocumentVerdicts,
    Series,
    Topic,
    TopicSeries,
)

__all__ = ["Document", "DocumentBatch", "DocumentVerdict", "DocumentVerdicts", "Series", "Topic", "TopicSeries"]
