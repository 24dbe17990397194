"""`kuajie monitor replay`: dated documents in, alerts and a page out; what cannot be used is said."""

import csv
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from kuajie import cli
from services.intent.monitor.surges import Surge, Timeline
from training.monitor.replay import Replay, Told, TopicReplay, alerts_of

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
SURGE = 6 * 7 * 24 + 12
"""The hour of the planted surge: noon of the first day of the seventh week."""


def write(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six weeks and two days of two topics; for three hours the claims are five times as many negatives."""
    rng = np.random.default_rng(5)
    rows = []
    for hour in range(SURGE + 36):
        for topic in ("claims", "service"):
            negatives = rng.poisson(20 if topic == "claims" and SURGE <= hour < SURGE + 3 else 4)
            for number in range(negatives + rng.poisson(8)):
                at = MONDAY + timedelta(hours=hour, minutes=int(rng.integers(0, 60)))
                sentiment = "negative" if number < negatives else "neutral"
                rows.append({"text": "太差了", "published_at": at.isoformat(), "topic": topic, "sentiment": sentiment})
    rng.shuffle(rows)  # type: ignore[arg-type]
    return write(tmp_path_factory.mktemp("stream") / "opinions.csv", rows)


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["kuajie", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    printed = capsys.readouterr()
    return int(str(ended.value.code)), printed.out, printed.err


def test_a_surge_in_a_file_is_one_alert_with_a_page(
    stream: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("monitor", "replay", str(stream), "--out", str(tmp_path / "out"), "--timezone", "UTC", "--json")
    status, out, _ = run(monkeypatch, capsys, *words)
    document = json.loads(out)
    assert status == 0
    [alert] = document["alerts"]
    assert alert["topics"] == ["claims"]
    [surge] = alert["surges"]
    assert surge["found_at"] == (MONDAY + timedelta(hours=SURGE, minutes=45)).isoformat()
    assert surge["ratio"] > 2.5
    assert len(surge["examples"]) == 5
    assert (document["read_by"], document["bad_rows"], document["near_duplicates"]) == (None, {}, 0)
    page = (tmp_path / "out" / "replay.html").read_text()
    assert page.count("data:image/png;base64,") == 2
    assert "Judged from 2026-02-02 00:00 on (UTC)" in page
    began = datetime.fromisoformat(surge["began"])
    assert f"<td>claims<td>{began:%Y-%m-%d %H:%M}<td>" in page
    assert f"<td>{surge['examples'][0]}: 太差了" in page
    assert "http" not in page.replace("http-equiv", "")
    assert json.loads((tmp_path / "out" / "replay.json").read_text()) == document


def test_a_higher_limit_finds_a_surge_later(
    stream: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = []
    for limit in ("7.5", "30"):
        words = ("monitor", "replay", str(stream), "--timezone", "UTC", "--json", "--cusum-limit", limit)
        [alert] = json.loads(run(monkeypatch, capsys, *words)[1])["alerts"]
        found.append([surge["found_at"] for surge in alert["surges"]])
    assert found == [
        [(MONDAY + timedelta(hours=SURGE, minutes=45)).isoformat()],
        [(MONDAY + timedelta(hours=SURGE + 1, minutes=30)).isoformat()],
    ]


def test_a_replay_groups_surges_by_what_was_known_in_their_hour() -> None:
    """One surge that lasts for a day; one beside it that is found at once, and one ten hours later."""
    counts = np.zeros(48, dtype=np.int64)
    timeline = Timeline.of(MONDAY, counts, counts, ZoneInfo("UTC"), counts > 0)

    def told(began: int, found: int, last: int) -> Told:
        return Told(Surge(began, found, last, True, ("cusum",)), (found + 1) * 4)

    topics = [
        TopicReplay("claims", timeline, [], [told(10, 10, 34)]),
        TopicReplay("fees", timeline, [], [told(9, 11, 13)]),
        TopicReplay("service", timeline, [], [told(20, 21, 22)]),
    ]
    assert [each["topics"] for each in alerts_of(Replay(0, 0, topics, {}))] == [["claims", "fees", "service"]]


@pytest.mark.parametrize(("quarter", "alerts"), [(15 * 4, 1), (15 * 4 + 1, 2)])
def test_a_surge_that_is_found_when_an_alert_has_resolved_is_another_alert_as_in_the_service(
    quarter: int, alerts: int
) -> None:
    """The last hour above normal is 10, four calm ones are over at 15 o'clock."""
    counts = np.zeros(48, dtype=np.int64)
    timeline = Timeline.of(MONDAY, counts, counts, ZoneInfo("UTC"), counts > 0)
    topics = [
        TopicReplay("claims", timeline, [], [Told(Surge(8, 8, 10, True, ("cusum",)), 9 * 4)]),
        TopicReplay("service", timeline, [], [Told(Surge(14, 14, 20, True, ("cusum",)), quarter)]),
    ]
    assert len(alerts_of(Replay(0, 0, topics, {}))) == alerts


def test_texts_without_topic_and_sentiment_are_read_and_copies_count_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    news = "岚榈财险拖了半年不理赔,报案之后一再拒赔,几十位投保人等不到赔付,真的是太失望了"
    rows = [
        {"text": f"转发 {n}:{news}", "published_at": f"2026-01-05T0{n}:00:00+08:00", "document_id": f"d{n}"}
        for n in range(3)
    ]
    file = write(tmp_path / "few.csv", rows)
    status, out, _ = run(monkeypatch, capsys, "monitor", "replay", str(file), "--json")
    document = json.loads(out)
    assert status == 0
    assert (document["documents"], document["near_duplicates"], document["judged_hours"]) == (3, 2, 0)
    assert document["read_by"].startswith("intent/")
    assert document["topics"]["claims"] == {"documents": 1, "negatives": 1}


def test_a_page_says_when_nothing_was_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good = {"text": "太差了", "published_at": "2026-01-05T00:00:00Z", "topic": "fees", "sentiment": "negative"}
    file = write(tmp_path / "rows.csv", [good, good | {"topic": "weather"}])
    status, _, _ = run(monkeypatch, capsys, "monitor", "replay", str(file), "--out", str(tmp_path / "out"))
    page = (tmp_path / "out" / "replay.html").read_text()
    assert status == 0
    assert "Nothing was judged: it takes four weeks of documents" in page
    assert "No surge" not in page
    assert "Rows left out: unknown_topic 1." in page


def test_moments_are_shown_in_the_zone_that_was_asked_for(
    stream: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("monitor", "replay", str(stream), "--out", str(tmp_path), "--timezone", "Asia/Kolkata")
    status, out, _ = run(monkeypatch, capsys, *words)
    [surge] = json.loads((tmp_path / "replay.json").read_text())["alerts"][0]["surges"]
    found = datetime.fromisoformat(surge["found_at"]).astimezone(ZoneInfo("Asia/Kolkata"))
    assert (status, found.minute) == (0, 15)
    assert f"{found:%H:%M}" in out
    assert f"<td>{found:%Y-%m-%d %H:%M}<td>" in (tmp_path / "replay.html").read_text()


def test_bad_rows_are_left_out_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good = {"text": "太差了", "published_at": "2026-01-05T00:00:00Z", "topic": "fees", "sentiment": "negative"}
    good["document_id"] = ""
    rows = [
        good,
        good | {"text": " "},
        good | {"published_at": "yesterday"},
        good | {"published_at": ""},
        good | {"topic": "weather"},
        good | {"sentiment": "angry"},
        good | {"text": "PNG\x01"},
        good | {"document_id": "\x02"},
        good | {"text": "差" * 5_001},
    ]
    file = write(tmp_path / "rows.csv", rows)
    status, out, _ = run(monkeypatch, capsys, "monitor", "replay", str(file), "--json")
    assert status == 0
    assert json.loads(out)["bad_rows"] == {
        "missing_text": 1,
        "invalid_published_at": 1,
        "missing_published_at": 1,
        "unknown_topic": 1,
        "unknown_sentiment": 1,
        "binary_text": 1,
        "invalid_document_id": 1,
        "text_too_long": 1,
    }


@pytest.mark.parametrize(
    ("content", "words", "why"),
    [
        ("text\n太差了\n", (), "missing column published_at"),
        ("text,published_at\n", (), "no rows"),
        ("text,published_at\n太差了,soon\n", (), "no usable row (invalid_published_at 1)"),
        ("text,published_at\n太差了,2026-01-05\n", ("--timezone", "Mars/Olympus"), "no such time zone: Mars/Olympus"),
        ("text,published_at\n太差了,2026-01-05\n", ("--timezone", "Europe"), "no such time zone: Europe"),
        ("text,published_at\n太差了,20260105\n", (), "no usable row (published_before_1990 1)"),
        (
            "text,published_at\na,2026-01-05\nb,1999-01-05\n",
            (),
            "1500 days, from 1999-01-05 to 2026-01-05: is",
        ),
        ("text,published_at\n太差了,2026-01-05\n", ("--model", "/nowhere"), "nowhere"),
    ],
)
def test_what_cannot_be_replayed_is_one_line_and_exit_code_2(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    content: str,
    words: tuple[str, ...],
    why: str,
) -> None:
    file = tmp_path / "opinions.csv"
    file.write_text(content, encoding="utf-8")
    status, out, err = run(monkeypatch, capsys, "monitor", "replay", str(file), *words)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert why in err
