"""Rows of product versions as they are shown."""

from services.insurance.product_schemas import ProductSummary, ProductView
from services.insurance.product_store import VersionRow


def summary_of(row: VersionRow) -> ProductSummary:
    """A product in a list."""
    return ProductSummary.model_validate({**row.definition, "status": row.status})


def view_of(row: VersionRow) -> ProductView:
    """A version with its definition."""
    return ProductView.model_validate(
        {
            **row.definition,
            "status": row.status,
            "checksum": row.checksum,
            "live_at": row.live_at,
            "retired_at": row.retired_at,
            "definition": row.definition,
        }
    )
