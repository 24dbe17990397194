"""What is typed in traditional characters means what it means in simplified ones, wherever a text is compared."""

import pytest

from services.intent.assist.knowledge.terms import terms
from services.intent.assist.reading import folded
from services.intent.characters import simplified
from services.intent.lexical.phrases import normalise
from services.intent.monitor.minhash import shingles
from services.intent.trained.written_form import written_form


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("我要退錢", "我要退钱"),
        ("頭髮、發展、乾杯、幹部、皇后、後天", "头发、发展、干杯、干部、皇后、后天"),
        ("這張保單covers牙醫嗎?🙂", "这张保单covers牙医吗?🙂"),
        ("簡訊收不到", "简讯收不到"),
    ],
)
def test_traditional_characters_are_read_as_simplified_ones(typed: str, read: str) -> None:
    assert simplified(typed) == read


@pytest.mark.parametrize(
    "typed",
    ["", "plain words", "naïve café £5", "保险覆盖哪些", "着急，看着，著名", "乾隆", "么么哒", "\ud800退钱", "🙂"],
)
def test_what_is_simplified_or_no_chinese_stays(typed: str) -> None:
    assert simplified(typed) == typed


def test_every_character_keeps_its_place() -> None:
    every = "".join(map(chr, range(0x3400, 0xA000)))
    assert len(simplified(every)) == len(every)


def test_models_lexicon_assistant_and_search_read_them_alike() -> None:
    typed, read = "課程退費要幾天", "课程退费要几天"
    assert written_form(typed) == written_form(read)
    assert normalise(typed) == normalise(read)
    assert folded(typed) == folded(read)
    assert terms(typed) == terms(read)


def test_a_document_and_its_copy_in_the_other_characters_are_near_duplicates() -> None:
    typed, read = (
        shingles("理賠送件兩個月，石沉大海，客服只說再等等"),
        shingles("理赔送件两个月，石沉大海，客服只说再等等"),
    )
    assert typed is not None
    assert read is not None
    assert sorted(typed) == sorted(read)
