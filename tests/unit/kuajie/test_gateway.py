"""The gateway as the command line sees it."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from kuajie.data_folder import DataFolder
from kuajie.failures import BadInput, CommandError
from kuajie.gateway import Gateway, find_gateway
from kuajie.knowledge import read_document, send
from services.intent.assist.knowledge.passages import passages_of
from tests.unit.kuajie.conftest import Stand


@contextmanager
def chunked(parts: Sequence[bytes]) -> Iterator[Gateway]:
    """A gateway that answers one request with these raw parts of a chunked body, and hangs up."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"".join(parts))

        thread = threading.Thread(target=serve)
        thread.start()
        yield Gateway(f"http://127.0.0.1:{listening.getsockname()[1]}", "k")
        thread.join()


@pytest.mark.parametrize(("status", "code"), [(413, 2), (422, 2), (403, 1), (503, 1)])
def test_what_is_refused_for_what_it_holds_is_bad_input(stand: Stand, status: int, code: int) -> None:
    stand.answer = lambda method, path, body: (status, b"{}")
    with pytest.raises(CommandError) as failed:
        stand.gateway.post("/v1/assist/knowledge", b"{}")
    assert failed.value.exit_code == code


def test_a_refused_document_is_named_with_the_row(stand: Stand, tmp_path: Path) -> None:
    file = tmp_path / "faq.csv"
    file.write_text("question,answer\nA?,\n", encoding="utf-8")
    problem = b'{"status": 422, "code": "invalid_request", "detail": "row 1: has no answer"}'
    stand.answer = lambda method, path, body: (422, problem)
    with pytest.raises(BadInput, match=r"faq\.csv: .*row 1: has no answer"):
        send(file, read_document(file, document_id=None, title=None, link=None), stand.gateway)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("question,answer\nA?,b\n可以,好\n".encode("gbk"), r"faq\.csv: line 3 is not UTF-8: save the file as UTF-8"),
        (b"\n", r"faq\.csv: holds no text"),
    ],
)
def test_a_document_that_cannot_be_read_is_named_with_the_line(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "faq.csv"
    file.write_bytes(content)
    with pytest.raises(BadInput, match=reason):
        read_document(file, document_id=None, title=None, link=None)


@pytest.mark.parametrize(
    ("content", "title"),
    [
        ("\ufeff#帮助中心\n##退款\n七天\n", "帮助中心"),
        ("## 退款\n# C# 入门 #\n", "C# 入门"),
        ("#话题# 大家说\n", "help"),
        ("   ＃　说明\r\n七天", "说明"),
    ],
)
def test_a_document_is_called_by_its_first_heading_however_it_is_written(
    tmp_path: Path, content: str, title: str
) -> None:
    file = tmp_path / "help.md"
    file.write_text(content, encoding="utf-8", newline="")
    assert read_document(file, document_id=None, title=None, link=None)["title"] == title


@pytest.mark.parametrize(
    "line",
    [
        "# 帮助中心",
        "#帮助中心",
        "＃ 标题 ＃",
        "#话题#",
        "#1",
        "   # x y",
        "#include",
        "# C#",
        "#《投资学》",
        "#",
        "#中文 #2",
        "#中文\t",
        "# #",
        "    # code",
    ],
)
def test_the_command_and_the_service_take_the_same_for_a_first_heading(tmp_path: Path, line: str) -> None:
    content = f"{line}\n\nText."
    [passage, *_] = passages_of(content, "markdown", "zh-CN")
    file = tmp_path / "no heading.md"
    file.write_text(content, encoding="utf-8", newline="")
    title = read_document(file, document_id=None, title=None, link=None)["title"]
    assert title == (passage.section or "no heading")


def test_an_export_is_read_line_by_line_across_chunks() -> None:
    with chunked([b'8\r\n{}\n{}\n{"\r\n', b'6\r\na":1}\n\r\n', b"0\r\n\r\n"]) as gateway:
        assert list(gateway.lines("/v1/events/export")) == [{}, {}, {"a": 1}]


def test_an_empty_export_has_no_lines() -> None:
    with chunked([b"0\r\n\r\n"]) as gateway:
        assert list(gateway.lines("/v1/events/export")) == []


@pytest.mark.parametrize("parts", [[], [b"6\r\n{}\n{}\n\r\n"], [b"9\r\n{}\n"]])
def test_an_export_that_breaks_off_is_never_taken_for_a_whole_one(parts: list[bytes]) -> None:
    with chunked(parts) as gateway, pytest.raises(CommandError, match="the export /v1/events/export broke off"):
        list(gateway.lines("/v1/events/export"))


def test_an_address_without_its_key_is_refused(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUAJIE_API_KEY", raising=False)
    with pytest.raises(BadInput, match="give --api-key or set KUAJIE_API_KEY"):
        find_gateway(DataFolder(tmp_path), "http://127.0.0.1:1", None)
