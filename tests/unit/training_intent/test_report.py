"""The page of a run: every class with its F1, and the confusion of labels in any script."""

import re
from pathlib import Path

import numpy as np

from training.intent.evaluation import figures
from training.intent.report import write_page

CLASSES = ("买课", "退款 <b>", "other")


def page(folder: Path, taken: str | None = None) -> str:
    truth = np.array([0, 0, 1, 1, 2])
    logits = np.eye(3)[[0, 1, 1, 1, 2]]
    report = {
        "rows": {"training": 40, "validation": 5, "max_tokens": 96, "cut": 3, "contradicted": 0, "seen": 0},
        "epochs": [{"intent": 0.8, "score": 0.8}],
        "validation": {"intent": figures(logits, truth, CLASSES, 1.0).to_json()},
        "quantisation": {"float": 0.8, "taken": taken, "tried": []},
        "files": {
            "float32": {"largest_difference": 1e-6, "same_label": 1.0},
            "int8": {"largest_difference": 0.2, "same_label": 0.99},
        },
        "scope": {"taken": "distance", "auroc": {}},
    }
    write_page(folder / "report.html", report, {"intent": CLASSES})
    return (folder / "report.html").read_text(encoding="utf-8")


def test_it_says_what_the_rows_were_and_what_is_to_be_known_of_them(tmp_path: Path) -> None:
    assert (
        page(tmp_path)
        .split("</h1>")[1]
        .startswith(
            "<p>40 rows to learn from, 5 for validation</p>"
            "<ul><li>of 45 texts 3 have 96 tokens or more and are read no further: see --max-tokens</ul>"
        )
    )


def test_confusion_is_read_as_text(tmp_path: Path) -> None:
    table = page(tmp_path).split("<table class=confusion>")[1].split("</table>")[0]
    assert re.findall(r"<th>([^<]*)", table) == ["买课", "退款 &lt;b&gt;", "other"] * 2
    body = table.split("<tbody>")[1].split("<tr>")[1:]
    assert [re.findall(r"<td[^>]*>(\d*)", row) for row in body] == [["1", "1", ""], ["", "2", ""], ["", "", "1"]]
    assert re.findall(r"181/([.\d]+)", body[0]) == ["0.50", "0.50"]


def test_every_class_is_there_the_weakest_first(tmp_path: Path) -> None:
    listed = page(tmp_path).split("the weakest first</h3>")[1].split("</table>")[0]
    assert re.findall(r"<th>([^<]*)<td>(\d*)<td>([^<]*)<td>([^<]*)<td>([^<]*)", listed) == [
        ("买课", "2", "1.000", "0.500", "0.667"),
        ("退款 &lt;b&gt;", "2", "0.667", "1.000", "0.800"),
        ("other", "1", "1.000", "1.000", "1.000"),
    ]


def test_learning_and_reliability_are_drawn(tmp_path: Path) -> None:
    assert page(tmp_path).count("<img") == 2


def test_every_file_is_held_against_the_network(tmp_path: Path) -> None:
    told = page(tmp_path).split("Files against the network</h3>")[1].split("</table>")[0]
    assert re.findall(r"<th>([^<]*)<td>([^<]*)<td>([^<]*)", told) == [
        ("float32", "1e-06", "1.0000"),
        ("int8", "0.2", "0.9900"),
    ]


def test_it_says_what_is_in_the_package(tmp_path: Path) -> None:
    assert "In the package: per channel<" in page(tmp_path, "per channel")
    assert "In the package: float32, since int8 loses too much<" in page(tmp_path)
