"""The report of a run as a page with plots: learning curve, confusion, calibration by task."""

import base64
import html
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.figure import Figure


def write_page(path: Path, report: Mapping[str, Any], classes: Mapping[str, Sequence[str]]) -> None:
    """One self-contained HTML file."""
    parts = [f"<h2>Learning</h2>{_image(_curves(report['epochs']))}"]
    for task, found in report["validation"].items():
        parts.append(f"<h2>{html.escape(task)}</h2>{_table(found)}")
        parts.append(_image(_confusion(np.array(found["confusion"]), classes[task])))
    tried = "".join(
        f"<li>{html.escape(each['way'])}: {each['score']:.4f}, {each['megabytes']:.0f} MB</li>"
        for each in report["quantisation"]["tried"]
    )
    parts.append(f"<h2>int8</h2><p>float: {report['quantisation']['float']:.4f}</p><ul>{tried}</ul>")
    parts.append(_scope(report.get("scope")))
    style = "body{font:15px sans-serif;max-width:60rem;margin:2rem auto}td,th{padding:.2rem .8rem;text-align:right}"
    title = "Intent model: validation report"
    page = f"<!doctype html><meta charset=utf-8><title>{title}</title><style>{style}</style><h1>{title}</h1>{''.join(parts)}"
    path.write_text(page, encoding="utf-8")


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
    weakest = sorted(found["f1_by_class"].items(), key=lambda row: row[1])[:10]
    weak = "".join(f"<tr><th>{html.escape(name)}<td>{value:.3f}" for name, value in weakest)
    return f"<table>{summary}</table><h3>Weakest classes by F1</h3><table>{weak}</table>"


def _curves(epochs: Sequence[Mapping[str, float]]) -> Figure:
    figure, axes = plt.subplots(figsize=(7, 3.2))
    for name in epochs[0]:
        axes.plot(range(1, len(epochs) + 1), [each[name] for each in epochs], marker="o", label=name)
    axes.set(xlabel="epoch", ylabel="macro-F1 on validation")
    axes.legend()
    return figure


def _confusion(table: np.ndarray, classes: Sequence[str]) -> Figure:
    size = max(4.0, 0.22 * len(classes) + 2)
    figure, axes = plt.subplots(figsize=(size, size))
    shares = table / np.maximum(1, table.sum(axis=1, keepdims=True))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    ticks = range(len(classes))
    axes.set_xticks(ticks, classes, rotation=90, fontsize=7)
    axes.set_yticks(ticks, classes, fontsize=7)
    axes.set(xlabel="said", ylabel="true")
    return figure


def _image(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight")
    plt.close(figure)
    return f'<img style="max-width:100%" src="data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}">'
