from collections import Counter

import pytest

from demo.catalogue import DOMAINS, SUFFIX, build_catalogue

ITEMS = build_catalogue(7)


def test_six_hundred_items_spread_over_all_domains() -> None:
    by_domain = Counter(item.domain for item in ITEMS)
    assert len(ITEMS) == 600
    assert set(by_domain) == set(DOMAINS)
    assert min(by_domain.values()) >= 84


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
def test_no_two_titles_are_alike_and_all_say_that_they_are_synthetic(locale: str) -> None:
    titles = [item.title[locale] for item in ITEMS]
    assert len(set(titles)) == 600
    assert all(title.endswith(SUFFIX[locale]) for title in titles)


def test_chinese_titles_hold_chinese_and_english_ones_do_not() -> None:
    def chinese(text: str) -> bool:
        return any("一" <= letter <= "鿿" for letter in text)

    assert all(chinese(item.title["zh-CN"].removesuffix(SUFFIX["zh-CN"])) for item in ITEMS)
    assert not any(chinese(item.title["en"]) for item in ITEMS)


def test_a_series_runs_upwards_within_one_topic() -> None:
    by_id = {item.item_id: item for item in ITEMS}
    pairs = [(item, by_id[item.sequel]) for item in ITEMS if item.sequel]
    assert len(pairs) == 84 * 2 + 12
    assert all(second.topic == first.topic and second.level == first.level + 1 for first, second in pairs)


def test_another_seed_changes_prices_and_qualities_but_no_id_or_title() -> None:
    other = build_catalogue(8)
    assert [(item.item_id, item.title) for item in other] == [(item.item_id, item.title) for item in ITEMS]
    assert [item.quality for item in other] != [item.quality for item in ITEMS]
    assert [item.price for item in other] != [item.price for item in ITEMS]


def test_the_domain_is_the_first_category() -> None:
    assert all(item.categories[0] == item.domain and len(set(item.categories)) == 3 for item in ITEMS)
