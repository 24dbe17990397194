"""Public routes of opinion monitoring: documents, series, surges and whom they are told to."""

from services.gateway.queries import DocumentsQuery, SeriesQuery
from services.gateway.rows import Row
from services.intent.monitor.schemas import Document, DocumentBatch, DocumentVerdicts, Series
from services.kit.pagination import Page

MONITOR = (
    Row(
        method="POST",
        path="/v1/monitor/documents",
        service="intent",
        scope="monitor:write",
        summary="Documents to watch, each with its own verdict",
        body="json",
        question=DocumentBatch,
        answer=DocumentVerdicts,
    ),
    Row(
        method="GET",
        path="/v1/monitor/documents",
        service="intent",
        scope="monitor:read",
        summary="Documents with their topics and sentiments, the newest first",
        query=DocumentsQuery,
        answer=Page[Document],
    ),
    Row(
        method="GET",
        path="/v1/monitor/documents/{document_id}",
        service="intent",
        scope="monitor:read",
        summary="One document",
        answer=Document,
    ),
    Row(
        method="GET",
        path="/v1/monitor/series",
        service="intent",
        scope="monitor:read",
        summary="Documents, negatives and their share by topic and step of time",
        query=SeriesQuery,
        answer=Series,
    ),
)
