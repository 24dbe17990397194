"""The bundled engines, for real: started, killed, broken."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
import redis

from kuajie import binaries
from kuajie.engines import EngineError, PostgresEngine, RedisEngine, scratch_folder
from kuajie.ports import free_ports

HOLD = """
import sys, time
from pathlib import Path
from kuajie.engines import PostgresEngine, RedisEngine
postgres, redis = PostgresEngine(Path(sys.argv[1]), fast=True), RedisEngine(Path(sys.argv[1]))
postgres.start(); redis.start()
print(postgres.pid, redis.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with scratch_folder() as path:
        yield path


async def fetch(url: str, statement: str) -> object:
    connection = await asyncpg.connect(f"{url}/postgres")
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(f"{url}/postgres")
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def gone(pid: int, seconds: float = 60.0) -> bool:
    deadline = time.monotonic() + seconds
    while Path(f"/proc/{pid}").exists():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


async def test_postgres_answers_at_the_same_address_and_with_its_rows_after_a_restart(folder: Path) -> None:
    with PostgresEngine(folder, fast=True) as url:
        await execute(url, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
    with PostgresEngine(folder, fast=True) as again:
        assert again == url
        assert await fetch(again, "SELECT n FROM kept") == 7


async def test_postgres_lets_nobody_in_without_the_password(folder: Path) -> None:
    with PostgresEngine(folder, fast=True) as url:
        port = url.rsplit(":", 1)[1]
        with pytest.raises(asyncpg.InvalidPasswordError):
            await fetch(f"postgresql://kuajie:wrong@127.0.0.1:{port}", "SELECT 1")


async def test_postgres_is_durable_unless_told_otherwise(folder: Path) -> None:
    with PostgresEngine(folder) as url:
        assert await fetch(url, "SHOW fsync") == "on"


def test_redis_lets_nobody_in_without_the_password(folder: Path) -> None:
    with RedisEngine(folder) as url:
        with redis.Redis.from_url(url) as known:
            assert known.ping() is True
        port = int(url.rsplit(":", 1)[1].split("/")[0])
        with redis.Redis(port=port) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()


def test_passwords_are_neither_on_command_lines_nor_in_files_that_others_read(folder: Path) -> None:
    postgres, store = PostgresEngine(folder, fast=True), RedisEngine(folder)
    try:
        passwords = [url.split(":")[2].split("@")[0] for url in (postgres.start(), store.start())]
        lines = "".join(Path(f"/proc/{engine.pid}/cmdline").read_text() for engine in (postgres, store))
        assert not any(password in lines for password in passwords)
        readable = [path for path in folder.glob("*.json") if path.stat().st_mode & 0o077]
        assert readable == []
    finally:
        postgres.stop()
        store.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run engines as somebody else")
def test_as_root_the_engines_run_as_another_user(folder: Path) -> None:
    postgres, store = PostgresEngine(folder, fast=True), RedisEngine(folder)
    try:
        postgres.start()
        store.start()
        assert all(Path(f"/proc/{engine.pid}").stat().st_uid != 0 for engine in (postgres, store))
    finally:
        postgres.stop()
        store.stop()


def test_kill_9_of_the_parent_leaves_no_engine_and_the_next_start_recovers(folder: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        children = postgres_children(pids[0])
        parent.kill()
    assert all(gone(pid) for pid in (*pids, *children))
    with PostgresEngine(folder, fast=True) as url:
        assert asyncio.run(fetch(url, "SELECT 1")) == 1


def postgres_children(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    assert len(children) > 3
    return [int(child) for child in children]


async def test_a_lock_file_with_the_pid_of_a_stranger_does_not_stop_the_start(folder: Path) -> None:
    with PostgresEngine(folder, fast=True):
        pass
    lock = folder / "postgresql" / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n{folder}/postgresql\n1\n1\n\n127.0.0.1\n1 1\nready\n")
    with PostgresEngine(folder, fast=True) as url:
        assert await fetch(url, "SELECT 1") == 1


def test_a_lock_file_that_goes_while_it_is_looked_at_is_gone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "postgresql").mkdir()
    lock = folder / "postgresql" / "postmaster.pid"
    lock.write_text("1\n")
    read = Path.read_text

    def read_late(path: Path) -> str:
        path.unlink()
        return read(path)

    monkeypatch.setattr(Path, "read_text", read_late)
    PostgresEngine(folder)._clear_stale_lock()
    assert not lock.exists()


def test_a_broken_data_folder_is_one_clear_line(folder: Path) -> None:
    with PostgresEngine(folder, fast=True):
        pass
    (folder / "postgresql" / "global" / "pg_control").unlink()
    with pytest.raises(EngineError, match="PostgreSQL did not start: could not find the database system") as failure:
        PostgresEngine(folder, fast=True).start()
    assert "\n" not in str(failure.value)


def test_a_folder_that_is_no_data_folder_is_one_clear_line(folder: Path) -> None:
    (folder / "postgresql").mkdir()
    with pytest.raises(EngineError, match="PostgreSQL did not start"):
        PostgresEngine(folder, fast=True).start()


@pytest.mark.parametrize("engine", [PostgresEngine, RedisEngine])
def test_a_port_that_was_asked_for_and_is_taken_is_said(
    folder: Path, engine: type[PostgresEngine] | type[RedisEngine]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EngineError, match=f"port {port} is in use by another program"):
            engine(folder, port=port).start()


def test_a_remembered_port_that_is_taken_is_replaced(folder: Path) -> None:
    with RedisEngine(folder, port=free_ports()) as url:
        port = int(url.rsplit(":", 1)[1].split("/")[0])
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with RedisEngine(folder) as elsewhere:
            assert elsewhere != url


def test_a_port_that_is_to_be_avoided_is_not_taken_even_if_it_is_remembered(folder: Path) -> None:
    with RedisEngine(folder) as url:
        port = int(url.rsplit(":", 1)[1].split("/")[0])
    with RedisEngine(folder, avoid={port}) as elsewhere:
        assert elsewhere != url


def test_a_killed_engine_comes_back_at_its_address(folder: Path) -> None:
    store = RedisEngine(folder)
    try:
        url = store.start()
        assert store.pid is not None
        os.kill(store.pid, signal.SIGKILL)
        while store.alive():
            time.sleep(0.01)
        assert store.start() == url
    finally:
        store.stop()


def test_a_missing_engine_says_how_to_get_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "package_folder", lambda name: None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EngineError, match=r"PostgreSQL is missing: pip install 'kuajie\[local\]'"):
        PostgresEngine(folder).start()
    with pytest.raises(EngineError, match=r"Redis is missing: pip install 'kuajie\[local\]'"):
        RedisEngine(folder).start()


def test_a_redis_on_path_serves_where_the_wheel_is_missing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundled, name = binaries.redis_programs()
    (folder / "bin").mkdir()
    (folder / "bin" / "valkey-server").symlink_to(bundled.root / name)
    monkeypatch.setattr(binaries, "package_folder", lambda name: None)
    monkeypatch.setenv("PATH", str(folder / "bin"))
    with RedisEngine(folder) as url, redis.Redis.from_url(url) as client:
        assert client.ping() is True


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's engines run as somebody else")
def test_as_root_a_private_folder_is_refused_and_keeps_its_mode(folder: Path) -> None:
    private = folder / "private"
    private.mkdir(mode=0o700)
    with pytest.raises(EngineError, match=f"cannot enter {private}"):
        PostgresEngine(private / "data").start()
    assert private.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's engines run as somebody else")
async def test_as_root_programs_in_a_private_folder_are_copied_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = binaries.postgres_programs()
    private = folder / "private"
    private.mkdir(mode=0o700)
    hidden = binaries.Programs(hide(private, original), original.parts, original.bin)
    monkeypatch.setattr("kuajie.engines.postgres_programs", lambda: hidden)
    monkeypatch.setattr(binaries, "COPIES", folder / "copies")
    for _ in range(2):
        with PostgresEngine(folder / "data", fast=True) as url:
            assert await fetch(url, "SELECT 1") == 1
    assert len(list((folder / "copies").iterdir())) == 1


def hide(private: Path, original: binaries.Programs) -> Path:
    """A copy of the programs that only root can reach."""
    site = private / "hidden"
    for part in original.parts:
        (site / part).parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-r", original.root / part, site / part], check=True)
    return site


def test_an_engine_is_not_started_from_a_thread_that_may_end_before_it(folder: Path) -> None:
    failures: list[BaseException] = []

    def start() -> None:
        try:
            RedisEngine(folder).start()
        except RuntimeError as error:
            failures.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert [str(failure) for failure in failures] == [
        "a child dies with the thread that starts it: start it from the main thread"
    ]
