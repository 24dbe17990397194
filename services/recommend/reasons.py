"""Why an item is shown, in the person's language, naming the evidence. Pure."""

from services.recommend.interaction import COMPLETED, PURCHASED, RATED, VIEWED

_ZH, _EN = "zh-CN", "en"

_AFTER = {
    COMPLETED: {_ZH: "因为你学完了《{title}》", _EN: "because you finished “{title}”"},
    PURCHASED: {_ZH: "因为你买了《{title}》", _EN: "because you bought “{title}”"},
    RATED: {_ZH: "因为你评价过《{title}》", _EN: "because you rated “{title}”"},
    VIEWED: {_ZH: "因为你看过《{title}》", _EN: "because you looked at “{title}”"},
    "content_shared": {_ZH: "因为你分享过《{title}》", _EN: "because you shared “{title}”"},
    "content_commented": {_ZH: "因为你评论过《{title}》", _EN: "because you commented on “{title}”"},
}
_SIMILAR = {_ZH: "与《{title}》相近", _EN: "similar to “{title}”"}
_NEXT = {_ZH: "很多人在《{title}》之后选择", _EN: "often chosen after “{title}”"}
_INTEREST = {_ZH: "你对{category}感兴趣", _EN: "you are interested in {category}"}
_POPULAR = {_ZH: "近期热门", _EN: "popular now"}
_POPULAR_IN = {_ZH: "{category}热门", _EN: "popular in {category}"}
_NEW = {_ZH: "新上架", _EN: "new"}
_NEW_IN = {_ZH: "{category}新上架", _EN: "new in {category}"}

# Domains that a reader of Chinese should not see as codes; any other category reads as it was given.
_CATEGORIES = {
    "business": "商业",
    "culture": "文化",
    "design": "设计",
    "development": "编程开发",
    "education": "教育",
    "finance": "财经",
    "health": "健康",
    "insurance": "保险",
    "parenting": "育儿",
    "tech": "科技",
    "travel": "旅行",
}


def category_name(category: str, locale: str) -> str:
    """A category as the reader's language has it."""
    if locale == _ZH:
        return _CATEGORIES.get(category, category)
    return category.replace("-", " ")


def readable_category(category: str, domain: str | None, locale: str) -> str:
    """The category, or its item's domain where a reader of Chinese would see a bare code and the domain has a name."""
    bare = locale == _ZH and category.isascii() and category not in _CATEGORIES
    return domain if bare and domain in _CATEGORIES else category


def after(kind: str, title: str, locale: str) -> str:
    """Because of what the person did with another item; `kind` is the type of that event."""
    return _AFTER.get(kind, _AFTER[VIEWED])[locale].format(title=title)


def similar_to(title: str, locale: str) -> str:
    return _SIMILAR[locale].format(title=title)


def next_after(title: str, locale: str) -> str:
    return _NEXT[locale].format(title=title)


def interest(category: str, locale: str) -> str:
    return _INTEREST[locale].format(category=category_name(category, locale))


def popular(category: str | None, locale: str) -> str:
    if category is None:
        return _POPULAR[locale]
    return _POPULAR_IN[locale].format(category=category_name(category, locale))


def new(category: str | None, locale: str) -> str:
    if category is None:
        return _NEW[locale]
    return _NEW_IN[locale].format(category=category_name(category, locale))
