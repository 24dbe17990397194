"""The report of a run as a page: the learning curve, and by task figures, classes and confusion."""

import base64
import html
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from training.intent.remarks import told

STYLE = """
body{font:15px sans-serif;max-width:60rem;margin:2rem auto}td,th{padding:.2rem .8rem;text-align:right}
.confusion{border-collapse:collapse;font-size:12px;margin-top:1rem}.confusion caption{text-align:left}
.confusion th{font-weight:normal;white-space:nowrap}.confusion thead th{writing-mode:vertical-rl;padding:.4rem .1rem}
.confusion tbody td{border:1px solid #ddd;min-width:1.5rem;padding:.1rem;text-align:center}
"""


def write_page(path: Path, report: Mapping[str, Any], classes: Mapping[str, Sequence[str]]) -> None:
    """One self-contained HTML file."""
    parts = [_rows(report["rows"]), f"<h2>Learning</h2>{_image(_curves(report['epochs']))}"]
    for task, found in report["validation"].items():
        parts.append(f"<h2>{html.escape(task)}</h2>{_table(found)}{_image(_reliability(found['reliability']))}")
        parts.append(_confusion(found["confusion"], classes[task]))
    tried = "".join(
        f"<li>{html.escape(each['way'])}: {each['score']:.4f}, {each['megabytes']:.0f} MB</li>"
        for each in report["quantisation"]["tried"]
    )
    taken = report["quantisation"]["taken"] or "float32, since int8 loses too much"
    parts.append(f"<h2>int8</h2><p>float: {report['quantisation']['float']:.4f}</p><ul>{tried}</ul>")
    parts.append(f"<p>In the package: {html.escape(taken)}</p>{_parity(report.get('files', {}))}")
    parts.append(_scope(report.get("scope")))
    title = "Intent model: validation report"
    page = f"<!doctype html><meta charset=utf-8><title>{title}</title><style>{STYLE}</style><h1>{title}</h1>{''.join(parts)}"
    path.write_text(page, encoding="utf-8")


def _rows(found: Mapping[str, Any]) -> str:
    """How many there were, and what is to be known of them."""
    remarks = "".join(f"<li>{html.escape(sentence)}" for sentence in told(found))
    return f"<p>{found['training']} rows to learn from, {found['validation']} for validation</p><ul>{remarks}</ul>"


def _scope(found: Mapping[str, Any] | None) -> str:
    """What scope is judged by, and what else was tried."""
    if found is None:
        return ""
    tried = "".join(f"<li>{html.escape(name)}: AUROC {value:.4f}</li>" for name, value in found["auroc"].items())
    return f"<h2>In scope or out of it</h2><p>judged by {html.escape(found['taken'])}</p><ul>{tried}</ul>"


def _table(found: Mapping[str, Any]) -> str:
    low, high = found["accuracy_interval"]
    rows = (
        ("rows", str(found["rows"])),
        ("accuracy", f"{found['accuracy']:.4f} ({low:.4f}–{high:.4f})"),
        ("macro-F1", f"{found['macro_f1']:.4f}"),
        ("ECE before and after", f"{found['ece_before']:.4f}, {found['ece']:.4f}"),
    )
    summary = "".join(f"<tr><th>{name}<td>{value}" for name, value in rows)
    weakest = sorted(found["by_class"].items(), key=lambda row: row[1]["f1"])
    weak = "".join(
        f"<tr><th>{html.escape(name)}<td>{each['rows']}<td>{_share(each['precision'])}<td>{_share(each['recall'])}"
        f"<td>{_share(each['f1'])}"
        for name, each in weakest
    )
    head = "<tr><td><th>rows<th>precision<th>recall<th>F1"
    return f"<table>{summary}</table><h3>By class, the weakest first</h3><table>{head}{weak}</table>"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _parity(files: Mapping[str, Mapping[str, float]]) -> str:
    """How far each file is from the network in PyTorch."""
    rows = "".join(
        f"<tr><th>{html.escape(name)}<td>{found['largest_difference']:.2g}<td>{found['same_label']:.4f}"
        for name, found in files.items()
    )
    head = "<tr><td><th>largest difference of a logit<th>same label, share of rows"
    return f"<h3>Files against the network</h3><table>{head}{rows}</table>" if rows else ""


def _curves(epochs: Sequence[Mapping[str, float]]) -> Figure:
    figure, axes = plt.subplots(figsize=(7, 3.2))
    for name in epochs[0]:
        axes.plot(range(1, len(epochs) + 1), [each[name] for each in epochs], marker="o", label=name)
    axes.set(xlabel="epoch", ylabel="macro-F1 on validation")
    axes.legend()
    return figure


def _reliability(bins: Sequence[Mapping[str, float]]) -> Figure:
    """Accuracy over confidence; on the diagonal confidence is what it says. The area of a point is its share of the rows."""
    figure, axes = plt.subplots(figsize=(3.6, 3.2))
    rows = sum(each["rows"] for each in bins)
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
    sizes = [20 + 300 * each["rows"] / rows for each in bins]
    axes.scatter([each["confidence"] for each in bins], [each["accuracy"] for each in bins], s=sizes, alpha=0.6)
    axes.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1.02), ylim=(-0.02, 1.02))
    return figure


def _confusion(counts: Sequence[Sequence[int]], classes: Sequence[str]) -> str:
    """A row a class, a column for what was said of its texts, the darker the larger its share; as text, for labels in any script."""
    names = [html.escape(name) for name in classes]
    head = "".join(f"<th>{name}" for name in names)
    body = "".join(
        f"<tr><th>{name}{''.join(_cell(count, sum(row)) for count in row)}"
        for name, row in zip(names, counts, strict=True)
    )
    caption = "<caption>Rows are the truth, columns what was said</caption>"
    return f"<table class=confusion>{caption}<thead><tr><td>{head}<tbody>{body}</table>"


def _cell(count: int, of: int) -> str:
    return f"<td style='background:rgb(33 113 181/{count / of:.2f})'>{count}" if count else "<td>"


def _image(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight")
    plt.close(figure)
    return f'<img style="max-width:100%" src="data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}">'
