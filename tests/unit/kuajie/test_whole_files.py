"""What was there stays until all of the new is written."""

import errno
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kuajie.whole_files import write_whole


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes, as on a disk that becomes full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_that_cannot_be_written_to_its_end_stays_as_it_was(tmp_path: Path) -> None:
    kept = tmp_path / "kept.csv"
    kept.write_bytes(b"old")
    with pytest.raises(OSError, match="File too large") as raised, room_for(2):
        write_whole(kept, b"new and long")
    assert raised.value.errno == errno.EFBIG
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_what_a_link_leads_to_is_written_to_as_it_may_be_the_standard_output(tmp_path: Path) -> None:
    link, file = tmp_path / "link.csv", tmp_path / "file.csv"
    link.symlink_to(file)
    write_whole(link, b"first")
    node = file.stat().st_ino
    write_whole(link, b"second")
    assert (link.is_symlink(), file.read_bytes(), file.stat().st_ino) == (True, b"second", node)


def test_what_is_no_file_is_written_to() -> None:
    write_whole(Path("/dev/null"), b"gone")
    assert Path("/dev/null").is_char_device()
