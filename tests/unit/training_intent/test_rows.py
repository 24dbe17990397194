"""Training rows: what is read, what is refused by name, how rows are split and weighed."""

from pathlib import Path

import pytest

from training.intent.rows import (
    UNKNOWN,
    Row,
    UnusableData,
    Vocabulary,
    class_weights,
    language_of,
    read_rows,
    read_strangers,
    split,
)


def write(folder: Path, text: str) -> Path:
    path = folder / "rows.csv"
    path.write_text(text, encoding="utf-8")
    return path


def row(label: str) -> Row:
    return Row("text", {"intent": label}, "en")


def test_a_file_with_every_column(tmp_path: Path) -> None:
    path = write(tmp_path, "text,label,lang,sentiment,purchase,topic\n  ＡＢ  cde ,x,en,neutral,buy,fees\n")
    [read] = read_rows(path)
    assert read == Row("AB cde", {"intent": "x", "sentiment": "neutral", "purchase": "buy", "topic": "fees"}, "en")


def test_a_byte_order_mark_and_the_column_category(tmp_path: Path) -> None:
    path = write(tmp_path, "\ufefftext,category\n卡丢了,lost_card\nhello,greeting\n")
    assert [(each.text, each.labels, each.language) for each in read_rows(path)] == [
        ("卡丢了", {"intent": "lost_card"}, "zh"),
        ("hello", {"intent": "greeting"}, "en"),
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("words,label\na,b\n", "the column `text` is missing (found: 'words', 'label')"),
        ("words;label\na;b\n", "the column `text` is missing (found: 'words;label')"),
        ("", "the column `text` is missing (found: none)"),
        ("text,label, text\na,b,c\n", "the column `text` is there twice"),
        ("text,mood\na,b\n", "the column `label` is missing (found: 'text', 'mood')"),
        (
            "text,label\na,b\nhello, a refund,c\n",
            "row 3 has more fields than there are columns: a text with a comma needs quotes",
        ),
        ('text,label\na,b\n"a,b\nc,d\n', "row 3: a quote is opened and never closed"),
        ('text,label\na,b\n\n"a" b,c\n', "row 4: ',' expected after '\"'"),
        (f"text,label\na,b\n{'a' * 200_000},b\n", "row 3: field larger than field limit (131072)"),
        ("text,label\na,b\n\n,,\n ,c\n", "row 5 has an empty text"),
        (
            "text,label,sentiment\na,b,\na,b,angry\n",
            "row 3 has the sentiment 'angry', which is none of negative, neutral, positive; "
            "rename the column `sentiment` if it says something else",
        ),
        (
            "text,label,purchase\na,b,yes\n",
            "row 2 has the purchase 'yes', which is none of buy, not_buy; rename the column `purchase` if it says something else",
        ),
        ("text,label\na,b\n ,c\n", "row 3 has an empty text"),
        ("text,label\na,\n", "row 2 has no label"),
        ("text,label\n", "no rows"),
    ],
)
def test_an_unusable_file_is_named_with_the_reason(tmp_path: Path, content: str, reason: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(UnusableData) as refused:
        read_rows(path)
    assert str(refused.value) == f"{path}: {reason}"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnusableData, match=r"absent\.csv: No such file or directory$"):
        read_rows(tmp_path / "absent.csv")


def test_a_file_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "gbk.csv"
    path.write_bytes("text,label\n退款,a\n".encode("gbk"))
    with pytest.raises(
        UnusableData, match=r"gbk\.csv: not UTF-8 \(byte 0xcd\); save it as UTF-8 \(in Excel: CSV UTF-8\)$"
    ):
        read_rows(path)


def test_a_workbook_is_told_from_a_file_of_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"PK\x03\x04" + bytes(range(256)))
    with pytest.raises(UnusableData, match=r"rows\.csv: a workbook, no CSV file; save it as UTF-8"):
        read_rows(path)


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_the_first_line_says_what_is_between_the_fields(tmp_path: Path, delimiter: str) -> None:
    lines = [("id", '"text"', "label"), ("1", "a, b", "greeting"), ("2", '"c;\td"', "other")]
    content = "".join(f"{delimiter.join(line)}\n" for line in lines)
    path = tmp_path / "rows.csv"
    path.write_text(content, encoding="utf-8-sig")
    assert [(each.text, each.labels["intent"]) for each in read_rows(path)] == [("a, b", "greeting"), ("c; d", "other")]
    assert read_strangers(path) == ["a, b", "c;\td"]


def test_blanks_around_the_names_of_columns_are_nothing(tmp_path: Path) -> None:
    [read] = read_rows(write(tmp_path, "text, label\nhello,greeting\n"))
    assert read.labels == {"intent": "greeting"}


def test_a_text_with_a_chinese_character_is_chinese() -> None:
    assert [language_of(text) for text in ("refund 一下", "refund pls", "")] == ["zh", "en", "en"]


def test_classes_are_sorted_and_unknown_tasks_have_no_class() -> None:
    vocabulary = Vocabulary.of(
        [Row("a", {"intent": "y", "topic": "t"}, "en"), Row("b", {"intent": "x", "topic": "s"}, "en")]
    )
    assert vocabulary.classes == {"intent": ("x", "y"), "topic": ("s", "t")}
    assert vocabulary.indices(row("y")) == {"intent": 1, "topic": UNKNOWN}
    with pytest.raises(UnusableData, match=r"^the text 'text' has the label 'z', which the model does not have$"):
        vocabulary.indices(row("z"))


def test_a_task_with_one_class_cannot_be_learned() -> None:
    with pytest.raises(UnusableData, match="only the class 'x'"):
        Vocabulary.of([row("x"), row("x")])


def test_a_split_takes_its_share_of_every_class_and_nothing_twice() -> None:
    rows = [Row(f"{label}{place}", {"intent": label}, "en") for label in "ab" for place in range(20)]
    rows.append(Row("alone", {"intent": "c"}, "en"))
    train, validation = split(rows, 0.25, seed=3)
    assert len(train) == 31
    assert sorted(each.labels["intent"] for each in validation) == ["a"] * 5 + ["b"] * 5
    assert {each.text for each in train} | {each.text for each in validation} == {each.text for each in rows}
    assert split(rows, 0.25, seed=3) == (train, validation)
    assert split(rows, 0.25, seed=4) != (train, validation)


def test_a_text_that_is_learned_is_not_held_out_as_well() -> None:
    rows = [Row(f"text {place % 4}", {"intent": "ab"[place % 2]}, "en") for place in range(24)]
    rows += [Row(f"{place}", {"intent": "c"}, "en") for place in range(8)]
    train, validation = split(rows, 0.25, seed=3)
    assert [each.labels["intent"] for each in validation] == ["c"] * 2
    assert len(train) == 30


def test_rare_classes_weigh_more_and_the_mean_over_rows_is_one() -> None:
    rows = [row("often")] * 4 + [row("seldom")]
    often, seldom = class_weights(rows, ["often", "seldom"], "intent", power=0.5)
    assert seldom / often == pytest.approx(2.0)
    assert (4 * often + seldom) / 5 == pytest.approx(1.0)
    assert class_weights(rows, ["often", "seldom"], "intent", power=0.0) == [1.0, 1.0]


def test_an_apostrophe_before_what_would_be_a_formula_is_no_part_of_the_text(tmp_path: Path) -> None:
    rows = read_rows(write(tmp_path, "text,label\n'-1 分,a\n'tis,b\n"))
    assert [row.text for row in rows] == ["-1 分", "'tis"]


def test_strangers_are_a_column_or_lines(tmp_path: Path) -> None:
    lines = tmp_path / "oos.txt"
    lines.write_text("what is the dow\n\nhow many primes\n", encoding="utf-8")
    assert read_strangers(lines) == ["what is the dow", "how many primes"]
    assert read_strangers(write(tmp_path, "id,text\n1,rain?\n2,\n")) == ["rain?"]
    assert read_strangers(write(tmp_path, "text\n'=1+1\n")) == ["=1+1"]
    with pytest.raises(UnusableData, match="the column `text` is missing"):
        read_strangers(write(tmp_path, "words\nrain?\n"))
    with pytest.raises(UnusableData, match="no texts"):
        read_strangers(write(tmp_path, "text\n"))
