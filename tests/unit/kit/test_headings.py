"""What is a heading of Markdown, and of which level."""

import pytest

from services.kit.headings import marked_heading


@pytest.mark.parametrize(
    ("line", "heading"),
    [
        ("# Title", (1, "Title")),
        ("   ###### six #", (6, "six")),
        ("＃＃ 退款 ＃", (2, "退款")),
        ("#帮助中心", (1, "帮助中心")),
        ("#《投资学》 \t", (1, "《投资学》")),
        ("##refunds##", (2, "refunds")),
        ("# C#", (1, "C#")),
        ("#", (1, "")),
        ("# #", (1, "")),
        ("#话题#", None),
        ("#1", None),
        ("#include", None),
        ("    # code", None),
        ("####### seven", None),
        ("words", None),
    ],
)
def test_a_heading_has_a_level_and_a_title(line: str, heading: tuple[int, str] | None) -> None:
    assert marked_heading(line) == heading
