"""Which cluster of near-duplicates a new document joins: candidates by bands, held against the texts themselves."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intent.monitor import documents as store
from services.intent.monitor.arrivals import Arrived, Cluster, First
from services.intent.monitor.minhash import (
    NEAR,
    PERMUTATIONS,
    WORTH_A_LOOK,
    Words,
    bands,
    jaccard,
    shingles,
    similarity,
)

MOST_CANDIDATES = 8
"""Candidates of one document that are held against its text, the likeliest first."""


async def cluster(
    connection: AsyncConnection, tenant_id: str, fresh: Sequence[Arrived], near: timedelta
) -> dict[str, Cluster]:
    """The cluster of each new document, those of the same batch included, in their order."""
    signs = {each.document.document_id: bands(each.signed) for each in fresh if each.signed is not None}
    published = {each.document.document_id: each.published_at for each in fresh}
    met = await store.candidates(connection, tenant_id, signs, published, near)
    known = await store.firsts(connection, tenant_id, {name for names in met.values() for name in names})
    return await asyncio.to_thread(assigned, fresh, signs, met, known, near)


def assigned(
    fresh: Sequence[Arrived],
    signs: Mapping[str, Sequence[int]],
    met: Mapping[str, set[str]],
    known: Mapping[str, First],
    near: timedelta,
) -> dict[str, Cluster]:
    """Pure: `signs` are the bands of new documents, `met` the known firsts of clusters that each shares a band with."""
    firsts = dict(known)
    by_band: dict[int, list[str]] = {}
    found: dict[str, Cluster] = {}
    for each in fresh:
        name = each.document.document_id
        own = signs.get(name, ())
        names = set(met.get(name, ())) | {other for band in own for other in by_band.get(band, ())}
        close = {other: firsts[other] for other in names if abs(firsts[other].published_at - each.published_at) <= near}
        found[name] = _nearest(each, close) or Cluster(name, None)
        if found[name].first == name and each.signed is not None:
            firsts[name] = First(each.signed, each.document.text, each.published_at)
            for band in own:
                by_band.setdefault(band, []).append(name)
    return found


def _nearest(each: Arrived, close: Mapping[str, First]) -> Cluster | None:
    """The nearest of the candidates, if it is near. Estimates choose whose text is read; the texts decide."""
    own = shingles(each.document.text) if close else None
    if own is None or each.signed is None:
        return None
    names = sorted(close)
    estimates = similarity(each.signed, np.array([close[name].signed for name in names]).reshape(-1, PERMUTATIONS))
    likely = [int(place) for place in np.argsort(-estimates, kind="stable") if estimates[place] >= WORTH_A_LOOK]
    exact = {names[place]: jaccard(own, _shingles(close[names[place]].text)) for place in likely[:MOST_CANDIDATES]}
    best = max(exact, key=lambda name: exact[name], default=None)
    return Cluster(best, round(exact[best], 4)) if best is not None and exact[best] >= NEAR else None


def _shingles(text: str) -> Words:
    found = shingles(text)
    return found if found is not None else np.empty(0, dtype=np.uint64)
