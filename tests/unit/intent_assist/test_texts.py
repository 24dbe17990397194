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
    document = json.loads((folder / name).read_text())
    change(document)  # type: ignore[operator]
    (folder / name).write_text(json.dumps(document, ensure_ascii=False))
    return folder


def test_a_text_that_promises_is_refused_by_its_name(tmp_path: Path) -> None:
    def promise(document: dict) -> None:
        document["labels"]["insurance.claim"]["text"]["en"] = "We promise to pay."

    with pytest.raises(TextsRefused, match=r"labels\.insurance\.claim holds a promise"):
        load_texts(changed(tmp_path, "answers.json", promise))


def test_a_missing_label_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TextsRefused, match=r"labels that do not match: greeting"):
        load_texts(changed(tmp_path, "answers.json", lambda document: document["labels"].pop("greeting")))


def test_a_text_in_one_language_only_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TextsRefused, match=r"labels\.greeting\.text\.en"):
        load_texts(changed(tmp_path, "answers.json", lambda document: document["labels"]["greeting"]["text"].pop("en")))


def test_a_missing_list_of_words_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TextsRefused, match="self_harm"):
        load_texts(changed(tmp_path, "words.json", lambda document: document["risk"].pop("self_harm")))
