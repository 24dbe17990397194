"""Which cluster of near-duplicates a new document joins: candidates by bands, held against the texts themselves."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from services.intent.monitor import documents as store
from services.intent.monitor.arrivals import Arrived, Cluster, First
from services.intent.monitor.minhash import PERMUTATIONS, Words, bands, nearest, shingles


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
    """Pure: `signs` are the bands of new documents, `met` the firsts of clusters that each shares a band with; those that are not
    among the `known` were too old to be kept, and their bands are not gone yet.
    """
    firsts = dict(known)
    by_band: dict[int, list[str]] = {}
    found: dict[str, Cluster] = {}
    words: dict[str, Words | None] = {}
    for each in fresh:
        name = each.document.document_id
        own = signs.get(name, ())
        names = (met.get(name, set()) & firsts.keys()) | {other for band in own for other in by_band.get(band, ())}
        close = {other: firsts[other] for other in names if abs(firsts[other].published_at - each.published_at) <= near}
        found[name] = _nearest(each, close, words) or Cluster(name, None)
        if found[name].first == name and each.signed is not None:
            firsts[name] = First(each.signed, each.document.text, each.published_at)
            for band in own:
                by_band.setdefault(band, []).append(name)
    return found


def _nearest(each: Arrived, close: Mapping[str, First], words: dict[str, Words | None]) -> Cluster | None:
    """The nearest of the candidates, if it is near; `words` has the shingles that were made before."""
    if not close or each.words is None or each.signed is None:
        return None
    names = sorted(close)

    def words_of(place: int) -> Words | None:
        name = names[place]
        if name not in words:
            words[name] = shingles(close[name].text)
        return words[name]

    signed = np.array([close[name].signed for name in names]).reshape(-1, PERMUTATIONS)
    best = nearest(each.words, each.signed, signed, words_of)
    return None if best is None else Cluster(names[best[0]], round(best[1], 4))
