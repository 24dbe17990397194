"""Public routes of intent: which versions of its model there are, and what is wanted of them."""

from services.gateway.queries import PageQuery
from services.gateway.rows import Row
from services.intent.schemas import ModelView, ShadowRequest
from services.kit.pagination import Page

_REFUSED = {409: "The package is refused, or the roles of other versions do not allow it"}

MODELS = (
    Row(
        method="GET",
        path="/v1/models",
        service="intent",
        scope="models:read",
        summary="The versions of the intent model, and how each stands",
        query=PageQuery,
        answer=Page[ModelView],
    ),
    Row(
        method="GET",
        path="/v1/models/{version}",
        service="intent",
        scope="models:read",
        summary="One version: its role, its state in every process, and how far it agreed as a shadow",
        answer=ModelView,
    ),
    Row(
        method="POST",
        path="/v1/models/{version}/load",
        service="intent",
        scope="models:write",
        summary="Hold a version ready beside the one that serves",
        answer=ModelView,
        status=202,
        errors=_REFUSED,
    ),
    Row(
        method="POST",
        path="/v1/models/{version}/promote",
        service="intent",
        scope="models:write",
        summary="Serve a version once it is loaded and warm; promoting the one before is the way back",
        answer=ModelView,
        status=202,
        errors=_REFUSED,
    ),
    Row(
        method="POST",
        path="/v1/models/{version}/shadow",
        service="intent",
        scope="models:write",
        summary="Let a version answer a share of the live texts too, only to compare",
        body="json",
        question=ShadowRequest,
        answer=ModelView,
        status=202,
        errors=_REFUSED,
    ),
    Row(
        method="POST",
        path="/v1/models/{version}/unshadow",
        service="intent",
        scope="models:write",
        summary="End a shadow; the version stays ready",
        answer=ModelView,
        status=202,
        errors=_REFUSED,
    ),
    Row(
        method="POST",
        path="/v1/models/{version}/retire",
        service="intent",
        scope="models:write",
        summary="Let a version go once it has finished what it does; refused for the one that serves",
        answer=ModelView,
        status=202,
        errors=_REFUSED,
    ),
)
