"""The evaluation as one page with its figure inside, for people."""

import base64
import html
import io
from pathlib import Path

from matplotlib.figure import Figure

from training.recommend.evaluate import PROTOCOL, Evaluation, MethodResult
from training.recommend.metrics import Interval

_NAMES = {"popularity": "popularity", "item_knn": "item-kNN", "ease": "EASE", "ours": "Kuajie"}
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Recommendations, evaluated</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem}}
table{{border-collapse:collapse}}td,th{{padding:.3rem .8rem;border-bottom:1px solid #ccc;text-align:right}}
td:first-child,th:first-child{{text-align:left}}img{{max-width:100%}}</style></head><body>
<h1>Recommendations, evaluated</h1>
<p>{people:,} people, {items:,} items, the first {k} places; 95 % bootstrap intervals over people.</p>
<img alt="NDCG by method with intervals" src="data:image/svg+xml;base64,{figure}">
<table><thead><tr><th>method</th><th>NDCG@{k}</th><th>recall@{k}</th><th>MRR@{k}</th><th>coverage</th></tr></thead>
<tbody>{rows}</tbody></table>
<h2>Paired differences of NDCG@{k}, ours minus the other</h2>
<table><tbody>{differences}</tbody></table>
<h2>Protocol</h2><p>{protocol}. Dropped: {dropped:,} of {test_rows:,} test rows.</p>
</body></html>
"""


def save_page(evaluation: Evaluation, path: Path) -> None:
    """Write one self-contained HTML file."""
    methods = _ordered(evaluation)
    page = _PAGE.format(
        people=evaluation.people,
        items=evaluation.items,
        k=evaluation.k,
        figure=base64.b64encode(figure_svg(evaluation)).decode(),
        rows="".join(_row(name, result) for name, result in methods),
        differences="".join(
            f"<tr><td>{html.escape(_NAMES.get(name, name))}</td><td>{_text(gain)}</td></tr>"
            for name, gain in evaluation.differences.items()
        ),
        protocol=html.escape(PROTOCOL),
        dropped=evaluation.dropped_test_rows,
        test_rows=evaluation.test_rows,
    )
    path.write_text(page, encoding="utf-8")


def figure_svg(evaluation: Evaluation) -> bytes:
    """One bar of NDCG@k per method with its interval."""
    methods = _ordered(evaluation)
    means = [result.ndcg.mean for _, result in methods]
    below = [result.ndcg.mean - result.ndcg.low for _, result in methods]
    above = [result.ndcg.high - result.ndcg.mean for _, result in methods]
    figure = Figure(figsize=(7, 0.6 + 0.5 * len(methods)), layout="constrained")
    axes = figure.add_subplot()
    names = [_NAMES.get(name, name) for name, _ in methods]
    colours = ["#2b6cb0" if name == "ours" else "#a0aec0" for name, _ in methods]
    axes.barh(names, means, xerr=[below, above], color=colours, capsize=3)
    axes.set_xlabel(f"NDCG@{evaluation.k}")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def _ordered(evaluation: Evaluation) -> list[tuple[str, MethodResult]]:
    return sorted(evaluation.methods.items(), key=lambda method: method[1].ndcg.mean)


def _row(name: str, result: MethodResult) -> str:
    cells = [_text(result.ndcg), _text(result.recall), _text(result.mrr), f"{result.coverage:.1%}"]
    return (
        f"<tr><td>{html.escape(_NAMES.get(name, name))}</td>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
    )


def _text(value: Interval) -> str:
    return f"{value.mean:.4f} ({value.low:.4f} to {value.high:.4f})"
