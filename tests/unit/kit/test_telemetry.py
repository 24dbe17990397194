import os
import re
import sys
from pathlib import Path

import asyncpg
import pytest
from pydantic import BaseModel

from services.kit.errors import Unavailable
from services.kit.telemetry import begin_trace, configure_logging, current_trace, get_logger, told_without_values

TEXT = "我叫王小明"


class Age(BaseModel):
    age: int


def refused_row() -> None:
    error = asyncpg.CheckViolationError("violates check constraint")
    error.sqlstate, error.table_name, error.detail = "23514", "messages", f"Failing row contains ({TEXT})."
    raise error


@pytest.mark.parametrize("fail", [lambda: int(TEXT), lambda: {}[TEXT], lambda: Age(age=TEXT), refused_row])
def test_a_logged_traceback_quotes_nothing_that_was_read(fail):
    try:
        try:
            fail()
        except Exception as error:
            raise Unavailable("The database cannot be reached.") from error
    except Unavailable:
        told = told_without_values(sys.exc_info())
    assert TEXT not in told
    assert told.endswith("services.kit.errors.Unavailable: The database cannot be reached.")


def test_a_logged_traceback_says_where_and_which_kind():
    try:
        refused_row()
    except asyncpg.PostgresError:
        told = told_without_values(sys.exc_info())
    assert "in refused_row" in told
    assert told.endswith("asyncpg.exceptions.CheckViolationError: 23514 messages")


def test_messages_that_speak_of_code_and_of_the_machine_stay():
    for error, said in (
        (OSError(28, "No space left on device", "/tmp/王小明"), "OSError: No space left on device"),
        (TypeError("no len()"), "TypeError: no len()"),
    ):
        assert told_without_values((type(error), error, None)).endswith(f"builtins.{said}")


def test_a_request_has_one_span_of_the_callers_trace():
    given = f"00-{'a' * 32}-{'b' * 16}-01"
    trace = begin_trace("req-1", given)
    told = trace.traceparent
    assert (told[:36], told[-3:]) == (given[:36], "-01")
    assert told[36:52] != "b" * 16
    assert current_trace().traceparent == told


@pytest.mark.parametrize(
    "given", [None, "", f"00-{'0' * 32}-{'b' * 16}-01", f"00-{'a' * 32}-{'0' * 16}-01", "00-x-y-z"]
)
def test_a_trace_that_is_none_begins_anew(given):
    assert re.fullmatch("00-(?!a{32})[0-9a-f]{32}-[0-9a-f]{16}-00", begin_trace("not good", given).traceparent)


def test_a_log_on_a_full_disk_ends_nobodys_work(monkeypatch):
    with Path("/dev/full").open("w", buffering=1) as full:
        monkeypatch.setattr(sys, "stderr", full)
        configure_logging("info")
        get_logger("here").warning("said")
        with pytest.raises(OSError, match="No space left on device"):
            full.flush()
        monkeypatch.undo()
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())  # where what is left in the buffer can go
