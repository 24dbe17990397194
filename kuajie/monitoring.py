"""`kuajie monitor replay` and `kuajie evaluate monitor`: a file of dated documents, or simulated streams; surges and pages out."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kuajie.extras import needs
from kuajie.failures import BadInput
from kuajie.files import BadRow, FileFormat, Row, read, survey
from kuajie.terminal import progress, show, stages, table

if TYPE_CHECKING:
    from training.monitor.replay import Dated

OPINIONS = FileFormat(("text", "published_at"), ("document_id", "topic", "sentiment"))
SENTIMENTS = ("negative", "neutral", "positive")
LONGEST_DAYS = 1_500
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""What is before is a date that is written as a number, as 20260105, and would be read as so many seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Given:
    """A row that can be used; `topic` and `sentiment` are None where a model has to say."""

    document_id: str
    text: str
    published_at: datetime
    topic: str | None
    sentiment: str | None


def replay_file(
    file: Path, out: Path | None, *, zone: str, model: Path | None, cusum_limit: float | None = None
) -> dict[str, Any]:
    """The replay as JSON types; with `out` also `replay.html` and `replay.json` there.

    Raises BadInput for a file, a zone or a model that cannot be used. Bad rows are left out and counted.
    """
    with needs("train"):
        from training.monitor.replay import alerts_of, replay, totals
        from training.monitor.watching import limited
    where = _zone(zone)
    survey(file, OPINIONS)
    rows, bad = usable_rows(file)
    if not rows:
        raise BadInput(f"{file}: no usable row ({_reasons(bad)})" if bad else f"{file}: no rows")
    first, last = min(each.published_at for each in rows), max(each.published_at for each in rows)
    if (last - first).days > LONGEST_DAYS:
        raise BadInput(
            f"{file}: documents of more than {LONGEST_DAYS} days, from {first:%Y-%m-%d} to {last:%Y-%m-%d}: is a date wrong?"
        )
    documents, named = _read(rows, model)
    with stages("replaying") as stage:
        found = replay(documents, where, limited(cusum_limit), progress=stage)
    alerts = alerts_of(found)
    document = {
        "file": str(file),
        "documents": found.documents,
        "near_duplicates": found.near_duplicates,
        "bad_rows": dict(bad),
        "read_by": named,
        "timezone": where.key,
        "first": first.isoformat(),
        "last": last.isoformat(),
        "topics": totals(found),
        "judged_hours": max(len(each.judged) for each in found.topics),
        "alerts": alerts,
    }
    if out is not None:
        from training.monitor.report import write_replay

        document["page"] = str(_folder(out) / "replay.html")
        write_replay(out / "replay.html", found, alerts, zone=where, notes=_notes(document))
        (out / "replay.json").write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")
    return document


def _notes(document: dict[str, Any]) -> list[str]:
    """What was read, in lines."""
    read = f"{document['documents']} documents of {document['file']}, {document['near_duplicates']} of them near-duplicates that do "
    notes = [f"{read}not count; topics and sentiments by {document['read_by'] or 'the file'}."]
    if document["bad_rows"]:
        notes.append(f"Rows left out: {_reasons(Counter(document['bad_rows']))}.")
    return notes


def usable_rows(file: Path) -> tuple[list[Given], Counter[str]]:
    """The rows that can be used, and how many cannot, by reason. As in the service a `document_id` counts once, the first time."""
    rows: list[Given] = []
    bad: Counter[str] = Counter()
    seen: set[str] = set()
    for entry in read(file):
        if isinstance(entry, BadRow):
            bad[entry.reason] += 1
            continue
        given = _given(*entry)
        if isinstance(given, str):
            bad[given] += 1
        elif given.document_id in seen:
            bad["duplicate_document_id"] += 1
        else:
            seen.add(given.document_id)
            rows.append(given)
    return rows, bad


def _given(number: int, row: Row) -> Given | str:
    """A row, or why it cannot be used."""
    from training.monitor.reading import OPINION_TOPICS

    topic, sentiment, name = row.get("topic"), row.get("sentiment"), str(row.get("document_id", f"row {number}"))
    if why := _unwritten(row.get("text"), name):
        return why
    published = _published(row)
    if isinstance(published, str):
        return published
    if topic is not None and topic not in OPINION_TOPICS:
        return "unknown_topic"
    if sentiment is not None and sentiment not in SENTIMENTS:
        return "unknown_sentiment"
    return Given(name, row["text"], published, topic, sentiment)


def _published(row: Row) -> datetime | str:
    """When a text was published, or why nobody knows."""
    from training.recommend.columns import seconds

    if "published_at" not in row:
        return "missing_published_at"
    try:
        published = datetime.fromtimestamp(seconds(row["published_at"]), UTC)
    except (ValueError, OverflowError, OSError):
        return "invalid_published_at"
    return published if published >= EARLIEST else "published_before_1990"


def _unwritten(text: object, name: str) -> str | None:
    """Why a text or an id is none that somebody wrote."""
    from training.monitor.reading import MAX_DOCUMENT_CHARS, unwritten

    if not isinstance(text, str) or not text.strip():
        return "missing_text"
    if len(text) > MAX_DOCUMENT_CHARS:
        return "text_too_long"
    return unwritten(text) or ("invalid_document_id" if unwritten(name) else None)


def _read(rows: Sequence[Given], model: Path | None) -> "tuple[list[Dated], str | None]":
    """Documents with their topics and sentiments, and which model was asked; None when the file says it all."""
    from training.monitor.reading import ModelRefused, open_reader, read_texts
    from training.monitor.replay import Dated

    unread = [each for each in rows if each.topic is None or each.sentiment is None]
    said, named = {}, None
    if unread:
        try:
            reader = open_reader(model)
        except ModelRefused as error:
            raise BadInput(str(error)) from error
        named = f"{reader.name}/{reader.version}"
        with progress("reading", len(unread)) as advance:
            answers = read_texts(reader, [each.text for each in unread], advance)
        said = {id(each): answer for each, answer in zip(unread, answers, strict=True)}
    documents = []
    for each in rows:
        answer = said.get(id(each))
        topic = each.topic or (answer.topic if answer else "")
        sentiment = each.sentiment or (answer.sentiment if answer else "")
        documents.append(Dated(each.document_id, each.text, each.published_at, topic, sentiment == "negative"))
    return documents, named


def evaluate_monitor(seeds: int, first: int, out: Path | None, *, cusum_limit: float | None = None) -> dict[str, Any]:
    """What is found of planted surges in simulated streams; with `out` also a page and the document there."""
    with needs("train"):
        from training.monitor.evaluation import evaluate
        from training.monitor.report import write_evaluation
        from training.monitor.watching import limited
    with stages("watching simulated streams") as stage:
        config = limited(cusum_limit)
        result = evaluate(seeds=range(first, first + seeds), config=config, progress=stage)
    if out is not None:
        result["page"] = str(_folder(out) / "surges.html")
        write_evaluation(out / "surges.html", result)
        (out / "surges.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
    return result


def show_replay(document: dict[str, Any]) -> None:
    """The alerts as a table, and lines below it."""
    zone = ZoneInfo(document["timezone"])
    rows = [
        [
            surge["topic"],
            _local(surge["found_at"], zone),
            _local(surge["last_hour"], zone),
            str(surge["negatives"]),
            str(surge["expected_negatives"]),
            ", ".join(surge["detectors"]),
        ]
        for alert in document["alerts"]
        for surge in alert["surges"]
    ]
    title = f"{len(document['alerts'])} alerts of {document['documents']} documents ({zone.key})"
    table(title, ["topic", "found", "last hour", "negatives", "expected", "detectors"], rows)
    show(
        f"near-duplicates that do not count: {document['near_duplicates']}; read by: {document['read_by'] or 'the file'}"
    )
    if document["bad_rows"]:
        show(f"rows left out: {_reasons(Counter(document['bad_rows']))}")
    if not document["judged_hours"]:
        show("nothing was judged: it takes four weeks of documents to know what is normal")
    if "page" in document:
        show(f"plots: {document['page']}")


def _local(moment: str, zone: ZoneInfo) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(zone):%Y-%m-%d %H:%M}"


def show_surges(result: dict[str, Any]) -> None:
    """A row a stream."""
    effects = list(result["streams"][0]["effects"])
    rows = []
    for each in result["streams"]:
        false = each["false_alarms"]
        found = [
            f"{part['within_2h']} ({part['limit']['within_2h']}) of {part['planted']}"
            for part in each["effects"].values()
        ]
        stream = each["stream"]
        alarms = f"{false['total']}/{each['months']}, {false['worst_month']}"
        rows.append([f"{stream['documents']:g}", f"{stream['bursts']:g}", f"{stream['moods']:g}", alarms, *found])
    title = "found within two hours (and the reference), by documents an hour"
    table(title, ["documents", "bursts", "moods", "false alarms/months, most in one", *effects], rows)
    show(f"the reference: {result['limit']}")
    table(
        "surges of 3x and more, by documents an hour expected when they began",
        ["documents", "found", "reference, of 3x"],
        [_by_documents(row) for row in result["big_surges_by_documents"] if row["planted"]],
    )
    show(f"the reference finds 99 % of 3x surges in time from {result['limit_finds_from']} documents an hour")
    since = result["found_from"]
    show(
        f"all {since['surges']} surges of 3x and more at over {since['documents_an_hour']} documents an hour were found in time"
    )


def _by_documents(row: dict[str, Any]) -> list[str]:
    name = f"{row['from']:g} to {row['to']:g}" if row["to"] else f"over {row['from']:g}"
    limit = row["limit"]
    return [name, f"{row['within_2h']}/{row['planted']}", f"{limit['within_2h']}/{limit['planted']}"]


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: a folder of zones, as "Europe"
        raise BadInput(f"no such time zone: {name}") from error


def _folder(out: Path) -> Path:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{out}: {error.strerror}") from error
    return out


def _reasons(bad: Counter[str]) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in bad.most_common())
