"""Pages with plots: a replay's series, baselines and surges; what an evaluation found. Each is one self-contained HTML file."""

import base64
import html
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from services.intent.monitor.hours import DAY
from training.monitor.replay import Replay, TopicReplay

BAND = 3.0
"""Standard deviations of the band around the baseline."""

_STYLE = "body{font:15px sans-serif;max-width:70rem;margin:2rem auto}td,th{padding:.2rem .8rem;text-align:left;vertical-align:top}"


def write_replay(path: Path, found: Replay, alerts: Sequence[Mapping[str, Any]]) -> None:
    """Alerts as a table, and a plot for each topic that has any documents: those with surges first."""
    rows = "".join(_alert_row(surge) for alert in alerts for surge in alert["surges"])
    head = "<tr><th>topic<th>began<th>found<th>last hour<th>negatives<th>expected<th>detectors<th>examples"
    table = f"<table>{head}{rows}</table>" if rows else "<p>No surge.</p>"
    shown = sorted(found.topics, key=lambda each: (-len(each.surges), -int(each.timeline.documents.sum())))
    plots = "".join(_image(_series(each)) for each in shown if each.timeline.documents.any())
    told = f"<p>{found.documents} documents, {found.near_duplicates} of them near-duplicates that do not count.</p>"
    _write(path, "Opinion monitoring: replay", f"{told}{table}{plots}")


def write_evaluation(path: Path, result: Mapping[str, Any]) -> None:
    """Found surges by what was expected anyway, and false alarms by volume."""
    seeds = f"Seeds {min(result['seeds'])} to {max(result['seeds'])}"
    parts = [f"<p>{html.escape(result['protocol'])}. The reference: {html.escape(result['limit'])}. {seeds}.</p>"]
    parts.append(_image(_found(result["big_surges_by_documents"])))
    parts.append(_image(_by_stream(result["streams"])))
    parts.append(_image(_false_alarms(result["streams"])))
    _write(path, "Opinion monitoring: planted surges", "".join(parts))


def _write(path: Path, title: str, body: str) -> None:
    page = f"<!doctype html><meta charset=utf-8><title>{title}</title><style>{_STYLE}</style><h1>{title}</h1>{body}"
    path.write_text(page, encoding="utf-8")


def _alert_row(surge: Mapping[str, Any]) -> str:
    cells = (
        surge["topic"],
        surge["began"],
        surge["found_at"],
        surge["last_hour"],
        surge["negatives"],
        surge["expected_negatives"],
        ", ".join(surge["detectors"]),
        ", ".join(surge["examples"]),
    )
    return "<tr>" + "".join(f"<td>{html.escape(str(each))}" for each in cells)


def _series(topic: TopicReplay) -> Figure:
    """Negatives an hour; the baseline and its band where there is one; surges shaded."""
    figure, axes = plt.subplots(figsize=(11, 2.8))
    begin = topic.timeline.first.timestamp() / 86_400  # matplotlib counts days since 1970
    axes.plot(
        begin + np.arange(len(topic.timeline)) / DAY,
        topic.timeline.negatives,
        lw=0.7,
        color="#444",
        label="negatives an hour",
    )
    if topic.judged:
        when = begin + np.array([each.place for each in topic.judged]) / DAY
        expected = np.array([each.hour.expected for each in topic.judged])
        high = expected + BAND * np.array([each.hour.deviation for each in topic.judged])
        axes.plot(when, expected, lw=0.9, color="#2a6", label="expected")
        axes.fill_between(when, 0, high, color="#2a6", alpha=0.15, lw=0, label=f"within {BAND:g} deviations")
    for number, told in enumerate(topic.surges):
        low, high_end = begin + told.surge.began / DAY, begin + (told.surge.last + 1) / DAY
        axes.axvspan(low, high_end, color="#c33", alpha=0.3, lw=0, label="surge" if number == 0 else None)
    axes.xaxis_date()
    axes.set(title=topic.topic, xlabel="UTC")
    axes.legend(loc="upper left", fontsize=7, ncols=4)
    return figure


def _found(rows: Sequence[Mapping[str, Any]]) -> Figure:
    figure, axes = plt.subplots(figsize=(8, 3.4))
    there = [row for row in rows if row["planted"]]
    names = [f"{row['from']:g}–{row['to']:g}" if row["to"] else f"over {row['from']:g}" for row in there]
    shares = np.array([row["share"] for row in there])
    bounds = np.array([row["interval"] for row in there]).T
    limits = [math.nan if row["limit"]["share"] is None else row["limit"]["share"] for row in there]
    axes.bar(names, shares, color="#69c", label="3x and more, found")
    axes.errorbar(names, shares, yerr=np.abs(bounds - shares), fmt="none", color="#333", capsize=4)
    axes.plot(names, limits, "o-", color="#c33", label="reference, of 3x")
    axes.set(xlabel="documents an hour expected when it began", ylabel="surges found in 2 h", ylim=(0, 1.05))
    axes.tick_params(axis="x", labelrotation=45)
    axes.legend(loc="lower right")
    return figure


def _by_stream(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Surges of 3x in each stream beside the reference."""
    figure, axes = plt.subplots(figsize=(11, 3.4))
    parts = [row["effects"]["3x"] for row in rows]
    place = np.arange(len(rows))
    for shift, name, color in ((-0.2, "found", "#69c"), (0.2, "reference", "#c33")):
        shown = parts if name == "found" else [part["limit"] for part in parts]
        shares = np.array([part["share"] for part in shown])
        bounds = np.array([part["interval"] for part in shown]).T
        axes.bar(place + shift, shares, 0.4, color=color, label=name)
        axes.errorbar(place + shift, shares, yerr=np.abs(bounds - shares), fmt="none", color="#333", capsize=3)
    axes.set_xticks(place, _names(rows))
    axes.set(
        xlabel="documents an hour; variation of bursts, of the negative share",
        ylabel="3x surges found in 2 h",
        ylim=(0, 1.05),
    )
    axes.legend(loc="lower right")
    return figure


def _names(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return [f"{row['stream']['documents']:g}\n{row['stream']['bursts']:g}\n{row['stream']['moods']:g}" for row in rows]


def _false_alarms(rows: Sequence[Mapping[str, Any]]) -> Figure:
    figure, axes = plt.subplots(figsize=(11, 3.4))
    means = np.array([row["false_alarms"]["per_month"] for row in rows])
    bounds = np.array([row["false_alarms"]["interval"] for row in rows]).T
    axes.bar(range(len(rows)), means, color="#c96")
    axes.errorbar(range(len(rows)), means, yerr=np.abs(bounds - means), fmt="none", color="#333", capsize=4)
    axes.axhline(1.0, color="#333", lw=0.8, ls="--")
    axes.set_xticks(range(len(rows)), _names(rows))
    axes.set(
        xlabel="documents an hour; variation of bursts, of the negative share", ylabel="false alarms a topic and month"
    )
    return figure


def _image(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100, bbox_inches="tight")
    plt.close(figure)
    return f'<img style="max-width:100%" src="data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}">'
