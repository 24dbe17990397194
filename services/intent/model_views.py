"""Versions as their readers see them."""

from collections.abc import Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from services.intent import model_store
from services.intent.model_schemas import AgreementView, ModelView
from services.intent.serving.agreement import Agreement, Pair
from services.intent.serving.library import Known
from services.intent.serving.registry import Standing

UNSEEN = Standing("available")


async def views(
    connection: AsyncConnection,
    versions: Sequence[str],
    *,
    known: Mapping[str, Known],
    standings: Mapping[str, Standing],
) -> list[ModelView]:
    """The versions, each with its role, its standing here and elsewhere, and how far it agreed as a shadow."""
    wishes = (await model_store.desired(connection)).wishes
    counted = await model_store.processes(connection, versions)
    agreements = await model_store.agreements_of(connection, versions)
    found = []
    for version in versions:
        wish, package, standing = wishes.get(version), known.get(version), standings.get(version, UNSEEN)
        view = ModelView(
            version=version,
            source=package and package.source,
            created_at=package and package.created_at,
            role=wish and wish.role,
            share=wish and wish.share,
            asked_at=wish and wish.asked_at,
            asked_by=wish and wish.asked_by,
            state=standing.state,
            reason=standing.reason,
            load_s=standing.load_s,
            processes=dict(counted[version]),
            agreement=[
                agreement_view(pair, agreement)
                for pair, agreement in sorted(agreements.items(), key=lambda each: each[0])
                if pair[0] == version
            ],
        )
        found.append(view)
    return found


def agreement_view(pair: Pair, sums: Agreement) -> AgreementView:
    """Sums as shares and means."""
    _, against, language = pair
    return AgreementView(
        against=against,
        language=language,
        texts=sums.texts,
        label=round(sums.same_label / sums.texts, 4),
        in_scope=round(sums.same_scope / sums.texts, 4),
        sentiment=round(sums.same_sentiment / sums.texts, 4),
        confidence_gap=round(sums.confidence_gap / sums.texts, 4),
        purchase_gap=round(sums.purchase_gap / sums.texts, 4),
    )
