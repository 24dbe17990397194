"""The life of a local stack: started, refused a second time, hurt, ended."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kuajie.engines import scratch_folder
from kuajie.ports import LOOPBACK, free_ports
from kuajie.processes import command_line
from kuajie.supervisor import ServiceProcess
from kuajie.topology import SERVICES, WITH_DATABASE, database_variable


@pytest.fixture
def data() -> Iterator[Path]:
    with scratch_folder() as folder:
        path = folder / "data"
        yield path
        kuajie("down", data=path)


def kuajie(*words: str, data: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kuajie", *words, "--data", str(data)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def up(data: Path, port: int, **environment: str) -> dict[str, Any]:
    done = kuajie("up", "--detach", "--json", "--port", str(port), data=data, **environment)
    assert done.returncode == 0, done.stderr
    state: dict[str, Any] = json.loads(done.stdout)
    return state


def ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def wait_until(check: Callable[[], bool], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)


def state_of(data: Path) -> dict[str, Any]:
    state: dict[str, Any] = json.loads((data / "stack.json").read_text())
    return state


def gone(pid: int) -> bool:
    """Ended; whether its parent has already asked for its exit status does not matter."""
    return command_line(pid) == ""


def processes_of(data: Path) -> list[str]:
    """Command lines that name the folder, and services whose environment does."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            text = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            if str(data).encode() in text:
                found.append((entry / "cmdline").read_text().replace("\0", " "))
    return found


def test_a_stack_lives_through_hurt_and_ends_without_a_trace(data: Path) -> None:
    port = free_ports(len(SERVICES))
    first = up(data, port)
    assert list(first["services"]) == list(SERVICES)
    assert all(ready(port + offset) for offset in range(5))

    again = kuajie("up", "--port", str(port), data=data)
    assert again.returncode == 1
    assert again.stderr == (
        f"kuajie: a stack already runs on {data} (pid {first['pid']}) at http://127.0.0.1:{port}: "
        "use it, or end it with `kuajie down`\n"
    )

    os.kill(first["pids"]["recommend"], signal.SIGKILL)
    wait_until(lambda: state_of(data)["pids"]["recommend"] != first["pids"]["recommend"])
    wait_until(lambda: ready(port + 2))
    log = (data / "logs" / "kuajie.log").read_text()
    assert "recommend has ended; starting it again in 1 s" in log

    os.kill(first["pids"]["PostgreSQL"], signal.SIGKILL)
    wait_until(lambda: state_of(data)["pids"]["PostgreSQL"] != first["pids"]["PostgreSQL"])
    wait_until(lambda: all(ready(port + offset) for offset in range(5)))

    pids = [*state_of(data)["pids"].values(), first["pid"]]
    ended = kuajie("down", data=data)
    assert ended.stdout == f"stopped (pid {first['pid']})\n"
    assert all(gone(pid) for pid in pids)
    assert processes_of(data) == []
    assert not (data / "stack.json").exists()

    second = up(data, port)
    assert second["api_key"] == first["api_key"]


def test_kill_9_of_the_supervisor_leaves_no_process_and_the_next_start_works(data: Path) -> None:
    port = free_ports(len(SERVICES))
    state = up(data, port)
    os.kill(state["pid"], signal.SIGKILL)
    wait_until(lambda: processes_of(data) == [])
    assert up(data, port)["status"] == "ready"


def test_ctrl_c_ends_everything_and_a_second_one_does_not_hurt(data: Path) -> None:
    port = free_ports(len(SERVICES))
    command = [sys.executable, "-m", "kuajie", "up", "--port", str(port), "--data", str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "Kuajie is ready.\n"
        pids = list(state_of(data)["pids"].values())
        running.send_signal(signal.SIGINT)
        time.sleep(0.2)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=120)
    assert running.returncode == 0
    assert said.endswith("kuajie: stopping\n")
    assert all(gone(pid) for pid in pids)


def test_a_taken_port_is_one_line_before_anything_starts(data: Path) -> None:
    port = free_ports(len(SERVICES))
    with contextlib.ExitStack() as stack:
        stack.enter_context(socket.socket()).bind((LOOPBACK, port + 2))
        done = kuajie("up", "--port", str(port), data=data)
    assert done.returncode == 1
    assert done.stderr == (
        f"kuajie: port {port + 2} (recommend) is in use by another program: choose others with --port\n"
    )
    assert not (data / "engines" / "postgresql").exists()


def test_a_broken_data_folder_is_one_line_and_nothing_stays(data: Path) -> None:
    (data / "engines" / "postgresql").mkdir(parents=True)
    for folder in (data, data / "engines"):
        folder.chmod(0o711)
    done = kuajie("up", "--port", str(free_ports(len(SERVICES))), "--detach", data=data)
    assert done.returncode == 1
    assert done.stderr.startswith("kuajie: PostgreSQL did not start: ")
    assert done.stderr.count("\n") == 1
    assert processes_of(data) == []


def test_a_service_that_cannot_start_is_one_line_with_its_last_words(data: Path) -> None:
    done = kuajie("up", "--port", str(free_ports(len(SERVICES))), data=data, KUAJIE_GATEWAY_MAX_IN_FLIGHT="many")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "kuajie: gateway does not start: does not answer; it last said: KUAJIE_GATEWAY_MAX_IN_FLIGHT: Input should be "
        f"a valid integer, unable to parse string as an integer (log: {data}/logs/gateway.log)"
    )
    assert processes_of(data) == []


def test_databases_and_redis_of_ones_own_are_used_instead(
    data: Path, make_database: Callable[[str], str], redis_url: str
) -> None:
    urls = {database_variable(name): make_database(name) for name in WITH_DATABASE}
    state = up(data, free_ports(len(SERVICES)), KUAJIE_REDIS_URL=redis_url, **urls)
    assert set(state["pids"]) == set(SERVICES)
    assert list((data / "engines").iterdir()) == []


def test_a_service_process_ends_by_force_when_it_ignores_a_polite_word(tmp_path: Path) -> None:
    script = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    )
    process = ServiceProcess("stubborn", [sys.executable, "-c", script], dict(os.environ), tmp_path / "log", grace=0.2)
    process.start()
    wait_until(lambda: (tmp_path / "log").read_text() == "up\n")
    process.stop()
    assert not process.alive()
