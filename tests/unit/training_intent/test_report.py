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
        "epochs": [{"intent": 0.8, "score": 0.8}],
        "validation": {"intent": figures(logits, truth, CLASSES, 1.0).to_json()},
        "quantisation": {"float": 0.8, "taken": taken, "tried": []},
        "scope": {"taken": "distance", "auroc": {}},
    }
    write_page(folder / "report.html", report, {"intent": CLASSES})
    return (folder / "report.html").read_text(encoding="utf-8")


def test_confusion_is_read_as_text(tmp_path: Path) -> None:
    table = page(tmp_path).split("<table class=confusion>")[1].split("</table>")[0]
    assert re.findall(r"<th>([^<]*)", table) == ["买课", "退款 &lt;b&gt;", "other"] * 2
    body = table.split("<tbody>")[1].split("<tr>")[1:]
    assert [re.findall(r"<td[^>]*>(\d*)", row) for row in body] == [["1", "1", ""], ["", "2", ""], ["", "", "1"]]
    assert re.findall(r"181/([.\d]+)", body[0]) == ["0.50", "0.50"]


def test_every_class_is_there_the_weakest_first(tmp_path: Path) -> None:
    listed = page(tmp_path).split("the weakest first</h3>")[1].split("</table>")[0]
    assert re.findall(r"<th>([^<]*)<td>([.\d]*)", listed) == [
        ("买课", "0.667"),
        ("退款 &lt;b&gt;", "0.800"),
        ("other", "1.000"),
    ]


def test_it_says_what_is_in_the_package(tmp_path: Path) -> None:
    assert "In the package: per channel<" in page(tmp_path, "per channel")
    assert "In the package: float32, since int8 loses too much<" in page(tmp_path)
