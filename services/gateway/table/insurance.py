"""Public routes of insurance: products, their prices, and whom they suit."""

from typing import Any

from pydantic import RootModel

from services.gateway.queries import LocaleQuery, ProductsQuery, VersionQuery
from services.gateway.rows import Row
from services.insurance.schemas import (
    Disclosures,
    EligibilityAnswer,
    EligibilityRequest,
    ProductSummary,
    ProductView,
    Questionnaire,
    RatingAnswer,
    RatingRequest,
    SuitabilityRecord,
    SuitabilityRequest,
    SuitabilityState,
)
from services.kit.pagination import Page


class ProductDefinition(RootModel[dict[str, Any]]):
    """A product definition, see docs/insurance.md; the back end checks it."""


INSURANCE = (
    Row(
        method="GET",
        path="/v1/products",
        service="insurance",
        scope="products:read",
        summary="Insurance and finance products",
        query=ProductsQuery,
        answer=Page[ProductSummary],
        for_people=True,
    ),
    Row(
        method="POST",
        path="/v1/products",
        service="insurance",
        scope="products:write",
        summary="Write a version of a product as a draft",
        body="json",
        question=ProductDefinition,
        answer=ProductView,
        status=201,
        idempotent=False,
    ),
    Row(
        method="POST",
        path="/v1/products/{product_id}/versions/{version}/publish",
        service="insurance",
        scope="products:write",
        summary="Make a draft live; the version that was live is retired",
        answer=ProductView,
        errors={409: "A retired version does not come back"},
    ),
    Row(
        method="POST",
        path="/v1/products/{product_id}/versions/{version}/retire",
        service="insurance",
        scope="products:write",
        summary="Take a version off sale for good",
        answer=ProductView,
        errors={409: "The version was never live"},
    ),
    Row(
        method="GET",
        path="/v1/products/{product_id}",
        service="insurance",
        scope="products:read",
        summary="One product with its whole definition",
        query=VersionQuery,
        answer=ProductView,
        for_people=True,
    ),
    Row(
        method="POST",
        path="/v1/products/{product_id}/rating",
        service="insurance",
        scope="products:read",
        summary="An indicative price with its whole calculation",
        body="json",
        question=RatingRequest,
        answer=RatingAnswer,
        for_people=True,
    ),
    Row(
        method="POST",
        path="/v1/products/{product_id}/eligibility",
        service="insurance",
        scope="products:read",
        summary="Whether a product may be sold to somebody with these facts",
        body="json",
        question=EligibilityRequest,
        answer=EligibilityAnswer,
        for_people=True,
    ),
    Row(
        method="POST",
        path="/v1/suitability",
        service="insurance",
        scope="suitability:write",
        summary="Answer the suitability questions, and get the verdicts",
        body="json",
        question=SuitabilityRequest,
        answer=SuitabilityRecord,
        status=201,
        idempotent=False,
        people="user_id",
        for_people=True,
    ),
    Row(
        method="GET",
        path="/v1/suitability/questions",
        service="insurance",
        scope="suitability:read",
        summary="The suitability questions in the reader's language",
        query=LocaleQuery,
        answer=Questionnaire,
        for_people=True,
    ),
    Row(
        method="GET",
        path="/v1/people/{user_id}/suitability",
        service="insurance",
        scope="suitability:read",
        summary="A person's newest suitability record, and whether it still counts",
        answer=SuitabilityState,
        for_people=True,
    ),
    Row(
        method="GET",
        path="/v1/disclosures",
        service="insurance",
        scope="products:read",
        summary="The texts behind the disclosure codes",
        query=LocaleQuery,
        answer=Disclosures,
        for_people=True,
    ),
)
