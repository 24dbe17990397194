"""The gateway as the command line sees it."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from kuajie.data_folder import DataFolder
from kuajie.failures import BadInput, CommandError
from kuajie.gateway import Gateway, find_gateway


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
