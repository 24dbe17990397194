"""Pages with plots: a replay's series, baselines and surges; what an evaluation found. Each is one self-contained HTML file."""

import base64
import html
import io
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from services.intent.monitor.hours import DAY
from training.monitor.replay import Replay, TopicReplay

BAND = 3.0
"""Standard deviations of the band around the baseline."""

UNJUDGED = "Nothing was judged: it takes four weeks of documents to know what is normal."
SHOWN = 120
"""Characters of an example."""

_STYLE = (
    "body{font:15px sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}img{display:block;max-width:100%}"
    "td,th{padding:.2rem .8rem;text-align:left;vertical-align:top}td{border-top:1px solid #ddd}td:not(:last-child){white-space:nowrap}"
)


def write_replay(
    path: Path, found: Replay, alerts: Sequence[Mapping[str, Any]], *, zone: ZoneInfo, notes: Sequence[str]
) -> None:
    """What was read and judged, surges as a table, and a plot for each topic that has any documents: those with surges first.

    Moments are those of `zone`; `notes` are further lines on what was read.
    """
    texts = {each.document_id: each.text for few in found.examples.values() for each in few}
    rows = "".join(_alert_row(surge, texts, zone) for alert in alerts for surge in alert["surges"])
    head = "<tr><th>topic<th>began<th>found<th>last hour<th>negatives<th>expected<th>detectors<th>examples"
    parts = [f"<p>{html.escape(each)}</p>" for each in (*notes, _judged(found, zone))]
    if rows:
        parts.append(f"<table>{head}{rows}</table>")
    elif found.judged_from is not None:
        parts.append("<p>No surge.</p>")
    shown = sorted(found.topics, key=lambda each: (-len(each.surges), -int(each.timeline.documents.sum())))
    parts += [_image(_series(each, zone), each.topic) for each in shown if each.timeline.documents.any()]
    _write(path, "Opinion monitoring: replay", "".join(parts))


def _judged(found: Replay, zone: ZoneInfo) -> str:
    since = found.judged_from
    if since is None:
        return UNJUDGED
    return f"Judged from {local(since, zone)} on ({zone.key}): it takes four weeks of documents to know what is normal."


def local(moment: datetime, zone: ZoneInfo) -> str:
    """To the minute, as clocks in `zone` show it."""
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def write_evaluation(path: Path, result: Mapping[str, Any]) -> None:
    """Found surges by what was expected anyway, and false alarms by volume."""
    seeds = f"Seeds {min(result['seeds'])} to {max(result['seeds'])}"
    parts = [f"<p>{html.escape(result['protocol'])}. The reference: {html.escape(result['limit'])}. {seeds}.</p>"]
    parts.append(_image(_found(result["big_surges_by_documents"]), "Surges found by documents an hour"))
    parts.append(_image(_by_stream(result["streams"]), "Surges found by stream"))
    parts.append(_image(_false_alarms(result["streams"]), "False alarms by stream"))
    _write(path, "Opinion monitoring: planted surges", "".join(parts))


def _write(path: Path, title: str, body: str) -> None:
    head = "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
    page = f"{head}<title>{title}</title><style>{_STYLE}</style><h1>{title}</h1>{body}"
    path.write_text(page, encoding="utf-8")


def _alert_row(surge: Mapping[str, Any], texts: Mapping[str, str], zone: ZoneInfo) -> str:
    began, found_at, last_hour = (
        local(datetime.fromisoformat(surge[name]), zone) for name in ("began", "found_at", "last_hour")
    )
    numbers = (surge["negatives"], surge["expected_negatives"], ", ".join(surge["detectors"]))
    cells = "".join(f"<td>{html.escape(str(each))}" for each in (surge["topic"], began, found_at, last_hour, *numbers))
    examples = "<br>".join(html.escape(f"{name}: {_short(texts[name])}") for name in surge["examples"])
    return f"<tr>{cells}<td>{examples}"


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _series(topic: TopicReplay, zone: ZoneInfo) -> Figure:
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
    axes.xaxis_date(zone)
    axes.set(title=topic.topic, xlabel=zone.key)
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
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
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


def _image(figure: Figure, name: str) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100, bbox_inches="tight")
    plt.close(figure)
    return f'<img alt="{html.escape(name)}" src="data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}">'
