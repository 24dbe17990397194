"""Free ports: in a row, out of the way of the kernel's own, an error where there are none."""

import socket
from pathlib import Path

import pytest

from kuajie import ports
from kuajie.ports import LOOPBACK, free_ports, port_is_free


def test_neighbours_are_free_and_below_those_of_outgoing_connections(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tmp_path.joinpath("range").write_text("20500\t60999\n")
    monkeypatch.setattr(ports, "RANGE_FILE", tmp_path / "range")
    for _ in range(50):
        first = free_ports(5)
        assert all(port_is_free(port) for port in range(first, first + 5))
        assert ports.LOWEST <= first <= 20_500 - 5


@pytest.mark.parametrize("told", [None, "", "many 60999", "1024 65535"])
def test_a_machine_that_does_not_tell_or_leaves_no_room(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, told: str | None
) -> None:
    if told is not None:
        tmp_path.joinpath("range").write_text(told)
    monkeypatch.setattr(ports, "RANGE_FILE", tmp_path / "range")
    assert all(free_ports() < ports.DYNAMIC_FROM for _ in range(50))


def test_taken_ports_are_passed_over_and_none_left_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        first = free_ports(3)
        taken.bind((LOOPBACK, first + 1))
        monkeypatch.setattr(ports, "LOWEST", first)
        monkeypatch.setattr(ports, "_dynamic_from", lambda: first + 3)
        assert free_ports() in (first, first + 2)
        assert free_ports(avoid={first}) == first + 2
        with pytest.raises(OSError, match=f"no 3 free ports in a row between {first} and"):
            free_ports(3)
