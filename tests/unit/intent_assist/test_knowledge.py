"""Documents cut into passages, terms, BM25, the index, its rankings."""

from pathlib import Path

import numpy as np
import pytest

from services.intent.assist.knowledge.bm25 import Bm25, Common, load_common
from services.intent.assist.knowledge.index import Index, Indexed
from services.intent.assist.knowledge.passages import (
    Passage,
    UnreadableDocument,
    divided,
    embedded_text,
    passages_of,
    plain,
)
from services.intent.assist.knowledge.ranking import FEATURES, Ranking, RankingRefused, load_rankings
from services.intent.assist.knowledge.terms import stem, terms
from services.kit.wire import Locale

COMMON = Common(100, {})
RANKINGS = {
    "lexical": Ranking((4.0, 0.5, 0.0, 0.5, 0.0, 0.0, 0.0), -3.0, 0.5),
    "hybrid": Ranking((10.0, *[0.0] * 8), -6.0, 0.5),
}


def test_markdown_is_cut_at_its_headings_and_loses_its_marks() -> None:
    content = "---\nx: y\n---\n# Help\nintro **bold** [page](http://x)\n## Pay\n<!-- no -->\n`code` ![i](y)\n"
    content += "### Cash\n不收现金\n## Refunds\nseven days\n"
    assert passages_of(content, "markdown", "en", "u") == [
        Passage("Help", None, "intro bold page", "en", "u"),
        Passage("Help › Pay", None, "code", "en", "u"),
        Passage("Help › Pay › Cash", None, "不收现金", "zh-CN", "u"),
        Passage("Help › Refunds", None, "seven days", "en", "u"),
    ]


@pytest.mark.parametrize(
    ("marked", "bare"),
    [
        ("**注意：*重要* 的**", "注意：重要 的"),
        ("__init__ 和 `a_b`", "init 和 a_b"),
        ("[条款](https://example.com/a_(b))，[见 [这里](x)", "条款，[见 这里"),
        ("2*3*4，**没有关上", "2*3*4，**没有关上"),
        ("![图](a(1).png)好", "好"),
    ],
)
def test_marks_go_and_what_only_looks_like_one_stays(marked: str, bare: str) -> None:
    assert plain(marked) == bare


def test_a_hash_in_a_code_block_is_no_heading() -> None:
    [passage] = passages_of("## Setup\n```\n# comment\n```\n", "markdown", "en")
    assert (passage.section, passage.text) == ("Setup", "# comment")


@pytest.mark.parametrize(
    ("content", "sections"),
    [
        ("\ufeff# 标题\n内容", ["标题"]),
        ("---\r\nlayout: x\r\n---\r\n# 标题\r\n内容\r\n", ["标题"]),
        ("退款\n====\n七天内。\n\n会员\n---\n说明。", ["退款", "退款 › 会员"]),
        ("# T\n一\n##\n二\n### 好\n三", ["T", "T", "T › 好"]),
        ("# T\n```退款```\n## A\n正文", ["T", "T › A"]),
        ("# C#\n正文 #", ["C#"]),
        ("#帮助中心\n##退款\n七天内。\n###到账\n三天。", ["帮助中心 › 退款", "帮助中心 › 退款 › 到账"]),
        ("＃帮助\n＃＃退款\n七天内。", ["帮助 › 退款"]),
        ("##C#基础\n三节课。", ["C#基础"]),
        ("##退款##\n七天内。\n   ## 发票\n可以开。", ["退款", "发票"]),
        ("#理财课# 开课了\n#1 在首页\n#include <x>\n#理财 #保险", [""]),
        ("```\n##退款\n```\n##发票\n可以开。", ["", "发票"]),
        ("- a\n---\nb", [""]),
        ("一\n二\n---\n三", [""]),
    ],
)
def test_headings_are_found_however_they_are_written(content: str, sections: list[str]) -> None:
    assert [each.section for each in passages_of(content, "markdown", "en")] == sections


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("A?,yes\nB?,", "row 3: has no answer"),
        (",yes", "row 2: has no question"),
        ("A?,yes, really", "row 2: more cells than columns"),
        ('A?,yes\nB?,"no', "row 3: a quote is opened and never closed"),
        ("A?,yes\n\n,,\nA?,no", "row 5: asks what row 2 asks"),
    ],
)
def test_a_row_that_cannot_be_used_is_named_with_what_is_wrong(content: str, reason: str) -> None:
    with pytest.raises(UnreadableDocument, match=reason):
        passages_of(f"question,answer\n{content}\n", "csv", "en")


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("question,answer,answer", "'question', 'answer', 'answer'"),
        ("question;answer", "'question;answer'"),
        ("问题,答案", "'问题', '答案'"),
        ("", "none"),
    ],
)
def test_columns_that_cannot_be_used_are_named_beside_those_that_can(header: str, found: str) -> None:
    with pytest.raises(UnreadableDocument) as refused:
        passages_of(f"{header}\nA?,yes\n" if header else "\n", "csv", "en")
    wanted = "the columns are question, answer and, if wanted, locale, url, tags, each once, with commas between them"
    assert str(refused.value) == f"{wanted} (found: {found})"


def test_a_quotation_mark_that_is_not_closed_in_the_first_row_is_told() -> None:
    with pytest.raises(UnreadableDocument, match=r"^row 1: a quote is opened and never closed$"):
        passages_of('question,"answer\nA?,yes\n', "csv", "en")


@pytest.mark.parametrize("url", ["javascript:alert(1)", "example.com", "https://x/a b"])
def test_a_source_that_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(UnreadableDocument, match="row 2: url is no http or https address"):
        passages_of(f"question,answer,url\nA?,yes,{url}\n", "csv", "en")


def test_a_byte_order_mark_and_empty_rows_do_not_matter() -> None:
    found = passages_of("\ufeffquestion,answer,\nA?,yes,\n , ,\n,,\n".replace("answer,", "answer,tags"), "csv", "en")
    assert [(each.question, each.text) for each in found] == [("A?", "yes")]


def test_a_long_section_is_divided_between_sentences() -> None:
    pieces = divided("一句话在这里。" * 100, 360)
    assert [len(piece) for piece in pieces] == [357, 343]
    assert all(piece.endswith("。") for piece in pieces)
    assert [len(piece) for piece in divided("x" * 1000, 300)] == [300, 300, 300, 100]


HTML = """<h2>退款<a name="x"></a></h2>
<p>七天内<b>可以</b>退款。<br/>联系<a href="https://example.com">客服</a>。</p><script>alert(1)</script>
<ul><li>低于&nbsp;&lt;5%&gt;</li><li>AT&T</li></ul>
"""


def test_of_a_page_that_was_exported_as_html_its_words_are_quoted() -> None:
    said = "七天内可以退款。\n联系客服。\n\n- 低于 <5%>\n- AT&T"
    [passage] = passages_of(HTML, "markdown", "en")
    assert (passage.section, passage.text) == ("退款", said)
    [row] = passages_of('Question,Answer\n怎么退,"<p>七天<b>内</b></p><p>原路</p>"\n', "csv", "en")
    assert (row.question, row.text) == ("怎么退", "七天内\n\n原路")


@pytest.mark.parametrize(
    "text",
    [
        "怎么用<table>标签，List<String>",
        "a<b && c>d &copy",
        "<https://example.com>",
        "```\n<b>x</b> &lt;\n```",
        "一 <!-- 二",
    ],
)
def test_what_only_looks_like_html_stays(text: str) -> None:
    [passage] = passages_of(text, "markdown", "en")
    assert passage.text == text.replace("```\n", "").removesuffix("\n```")


@pytest.mark.parametrize(
    "piece", ["<!--", "<script>", "<a ", "`", "```\n", "&", "##a", " *a", "**a ", " __a", "[", "![", "[a]("]
)
def test_what_is_never_closed_is_read_through_no_more_than_once(piece: str) -> None:
    content = "题。" + piece * (200_000 // len(piece) - 1)
    assert passages_of(content[:4_000], "markdown", "en")[0].text.startswith("题。")
    assert len(passages_of(content, "markdown", "en")) <= 2_000


def test_csv_rows_are_questions_with_their_answers() -> None:
    content = "question,answer,locale,url,tags\n能退吗,可以,zh-CN,https://x/1,a|b\nCan I?,Yes,,,\n"
    assert passages_of(content, "csv", "zh-CN", "https://x") == [
        Passage("", "能退吗", "可以", "zh-CN", "https://x/1", ("a", "b")),
        Passage("", "Can I?", "Yes", "en", "https://x", ()),
    ]


def test_a_document_with_too_many_passages_is_refused() -> None:
    with pytest.raises(UnreadableDocument, match="2001 passages"):
        passages_of("".join(f"## {n}\ntext\n" for n in range(2001)), "markdown", "en")


def test_what_is_embedded_begins_with_the_nearest_heading() -> None:
    assert embedded_text(Passage("Help › Cash", None, "No.", "en")) == "Cash\nNo."
    assert embedded_text(Passage("", None, "No.", "en")) == "No."


def test_terms_are_pairs_of_characters_and_stems() -> None:
    assert terms("退款多久到账") == ["退款", "款多", "多久", "久到", "到账"]
    assert terms("How long do refunds take?") == ["long", "refund", "tak"]
    assert terms("是的吗") == []


@pytest.mark.parametrize(
    "words",
    [
        ("refund", "refunds", "refunded", "refunding"),
        ("policy", "policies"),
        ("course", "courses"),
        ("stop", "stopped"),
        ("cancel", "cancelled"),
        ("class", "classes"),
    ],
)
def test_forms_of_a_word_have_one_stem(words: tuple[str, ...]) -> None:
    assert len({stem(word) for word in words}) == 1


def test_bm25_prefers_what_is_rare_and_short() -> None:
    bm25 = Bm25([["refund", "day"], ["refund", "day", "day", "card", "bank", "long"], ["day"]], COMMON)
    score = bm25.match(["refund"]).score
    assert score[0] > score[1] > score[2] == 0
    assert bm25.match(["refund", "unheard"]).coverage.tolist() == [0.5, 0.5, 0.0]


def test_without_a_known_term_nothing_comes_near() -> None:
    index = Index([Indexed(("d", 1), "Refunds", "seven days", "en")], None, RANKINGS, COMMON)
    assert index.search("weather", "en", None, limit=3) == []


def test_with_vectors_on_both_sides_meaning_counts() -> None:
    passages = [Indexed(("d", n), "", text, "en") for n, text in enumerate(("alpha", "beta"))]
    vectors = np.eye(2, dtype=np.float32)
    index = Index(passages, vectors, RANKINGS, COMMON)
    asked = np.array([0.1, 0.99], dtype=np.float32)
    hits = index.search("gamma", "en", asked, limit=2)
    assert (index.mode(asked), [hit.place for hit in hits]) == ("hybrid", [1, 0])
    assert [hit.place for hit in index.answers(hits, asked)] == [1]
    assert index.mode(None) == "lexical"


def test_the_lead_is_over_the_best_other_passage_of_the_same_language() -> None:
    locales: list[Locale] = ["en", "zh-CN", "en", "zh-CN", "en"]
    passages = [Indexed(("d", n), "", "alpha", locale) for n, locale in enumerate(locales)]
    vectors = np.array([[0.5], [0.75], [0.25], [0.25], [0.25]], dtype=np.float32)
    index = Index(passages, vectors, RANKINGS, COMMON)
    places, features = index.candidates("alpha", "en", np.ones(1, dtype=np.float32))
    lead = dict(zip(places.tolist(), features[:, FEATURES["hybrid"].index("lead")].tolist(), strict=True))
    assert lead == {0: 0.25, 1: 0.5, 2: -0.25, 3: -0.5, 4: -0.25}


@pytest.mark.parametrize(("cosines", "expected"), [([0.5, 0.5], [0.0, 0.0]), ([0.5], [0.0])])
def test_nothing_leads_where_two_are_alike_or_one_is_alone(cosines: list[float], expected: list[float]) -> None:
    passages = [Indexed(("d", n), "", "alpha", "en") for n in range(len(cosines))]
    index = Index(passages, np.array([cosines], dtype=np.float32).T, RANKINGS, COMMON)
    _, features = index.candidates("alpha", "en", np.ones(1, dtype=np.float32))
    assert features[:, FEATURES["hybrid"].index("lead")].tolist() == expected


def test_the_shipped_rankings_and_counts_are_there() -> None:
    assert set(load_rankings()) == {"hybrid", "lexical"}
    common = load_common()
    assert common.weight("课程") < common.weight("never-heard")


def test_a_file_without_a_ranking_is_refused(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text('{"hybrid": {}}')
    with pytest.raises(RankingRefused):
        load_rankings(tmp_path / "r.json")
