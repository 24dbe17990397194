"""The response cache."""

from hypothesis import given
from hypothesis import strategies as st

from services.intent.serving.cache import AnswerCache, cache_key

part = st.text(max_size=5)


def test_the_least_recently_used_answer_goes_first() -> None:
    cache: AnswerCache[str] = AnswerCache(2)
    cache.put(b"a", "A")
    cache.put(b"b", "B")
    assert cache.get(b"a") == "A"
    cache.put(b"c", "C")
    assert [cache.get(key) for key in (b"a", b"b", b"c")] == ["A", None, "C"]


def test_no_capacity_keeps_nothing() -> None:
    cache: AnswerCache[str] = AnswerCache(0)
    cache.put(b"a", "A")
    assert len(cache) == 0
    assert cache.get(b"a") is None


@given(st.lists(st.tuples(part, part, part), unique=True, max_size=30))
def test_keys_tell_tenant_version_and_text_apart(triples: list[tuple[str, str, str]]) -> None:
    assert len({cache_key(*triple) for triple in triples}) == len(triples)
