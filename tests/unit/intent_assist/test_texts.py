"""Approved texts: all labels in both languages, and nothing that prices, promises or advises."""

import json
import shutil
from pathlib import Path

import pytest

from services.intent.assist.claims import claims
from services.intent.assist.texts import SHIPPED, TextsRefused, load_texts
from services.intent.labels import LABELS


def test_every_label_has_its_answer() -> None:
    assert set(load_texts().labels) == set(LABELS)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("保费是 128 元", ["price"]),
        ("It costs $12", ["price"]),
        ("年化 4.5%", ["price"]),
        ("我们保证理赔", ["promise"]),
        ("risk-free returns are guaranteed", ["promise"]),
        ("建议您购买重疾险", ["advice"]),
        ("You should buy this one", ["advice"]),
        ("We recommend plan A", ["advice"]),
        ("价格以结算页为准", []),
        ("Prices are shown at checkout", []),
    ],
)
def test_claims_are_seen(text: str, kinds: list[str]) -> None:
    assert claims(text) == kinds


def changed(folder: Path, name: str, change: object) -> Path:
    shutil.copytree(SHIPPED, folder, dirs_exist_ok=True)
    return changed_again(folder, name, change)


def changed_again(folder: Path, name: str, change: object) -> Path:
    document = json.loads((folder / name).read_text())
    change(document)  # type: ignore[operator]
    (folder / name).write_text(json.dumps(document, ensure_ascii=False))
    return folder


def test_a_text_that_promises_is_refused_by_its_name(tmp_path: Path) -> None:
    def promise(document: dict) -> None:
        document["labels"]["insurance.claim"]["text"]["en"] = "We promise to pay."

    with pytest.raises(TextsRefused, match=r"labels\.insurance\.claim holds a promise"):
        load_texts(changed(tmp_path, "answers.json", promise))


def test_a_byte_order_mark_before_a_file_does_not_matter(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED, tmp_path, dirs_exist_ok=True)
    for path in tmp_path.glob("*.json"):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert load_texts(tmp_path).version == load_texts().version


def test_a_missing_label_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TextsRefused, match=r"labels that do not match: greeting"):
        load_texts(changed(tmp_path, "answers.json", lambda document: document["labels"].pop("greeting")))


def test_a_text_in_one_language_only_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TextsRefused, match=r"labels\.greeting\.text\.en"):
        load_texts(changed(tmp_path, "answers.json", lambda document: document["labels"]["greeting"]["text"].pop("en")))


def test_a_missing_list_of_words_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TextsRefused, match="self_harm"):
        load_texts(changed(tmp_path, "words.json", lambda document: document["risk"].pop("self_harm")))


@pytest.mark.parametrize("text", ["《{titel}》中写道：", "《{title》中写道：", "{}", "{title.x}"])
def test_a_phrase_that_could_not_be_said_is_refused(tmp_path: Path, text: str) -> None:
    def misspell(document: dict) -> None:
        document["phrases"]["from_knowledge"]["zh-CN"] = text

    with pytest.raises(TextsRefused, match=r"phrases\.from_knowledge has a brace that nothing fills"):
        load_texts(changed(tmp_path, "answers.json", misspell))


def test_a_form_that_would_be_confirmed_unseen_is_refused(tmp_path: Path) -> None:
    def blind(document: dict) -> None:
        document["forms"]["refund"]["confirm"]["en"] = "Is everything right?"

    with pytest.raises(TextsRefused, match=r"forms\.refund\.confirm does not show \{slots\}"):
        load_texts(changed(tmp_path, "forms.json", blind))


def test_words_may_lack_the_lists_that_are_younger(tmp_path: Path) -> None:
    def older(document: dict) -> None:
        for name in ("complaint", "complaint_unless", "changed_mind", "small_talk", "robot", "not_helped", "upset"):
            del document[name]
        del document["risk"]["violence"]

    words = load_texts(changed(tmp_path, "words.json", older)).words
    assert not words.complains("我要投诉你们")
    assert not words.says("small_talk", "谢谢")
    assert (words.risk("我要砍了你们"), words.risk("我不想活了")) == (None, "self_harm")
    assert not words.says("robot", "你是机器人吗")
    assert not words.is_upset("气死我了")


def test_texts_may_lack_the_phrases_that_are_younger(tmp_path: Path) -> None:
    folder = changed(tmp_path, "answers.json", lambda document: document["phrases"].pop("repeated"))
    for phrase in ("upset", "already_sent"):
        folder = changed_again(folder, "answers.json", lambda document, name=phrase: document["phrases"].pop(name))
    for phrase in ("reason_noted", "one_each", "not_listed"):
        folder = changed_again(folder, "forms.json", lambda document, name=phrase: document["phrases"].pop(name))
    texts = load_texts(folder)
    assert texts.say("repeated", "en") == texts.say("unsure", "en")
    assert texts.say_in_form("reason_noted", "zh-CN") == texts.say_in_form("again", "zh-CN")
    assert texts.say_in_form("one_each", "zh-CN") == texts.say_in_form("again", "zh-CN")
    assert texts.say("already_sent", "en") == texts.say("upset", "en") == texts.say("unsure", "en")
    assert texts.say_in_form("not_listed", "en") == texts.say_in_form("again", "en")


def test_what_is_said_about_a_slot_may_promise_nothing(tmp_path: Path) -> None:
    def promise(document: dict) -> None:
        document["forms"]["quote"]["slots"][3]["about"]["zh-CN"] = "保额一定能赔。"

    with pytest.raises(TextsRefused, match=r"forms\.quote\.amount\.about holds a promise"):
        load_texts(changed(tmp_path, "forms.json", promise))
