"""One data folder, one stack."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kuajie.credentials import stack_secrets
from kuajie.data_folder import DataFolder, InUse, default_folder
from kuajie.failures import CommandError

HOLD = """
import sys, time
from pathlib import Path
from kuajie.data_folder import DataFolder
with DataFolder(Path(sys.argv[1])).held():
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    made = DataFolder(tmp_path / "data")
    made.make()
    return made


def test_a_folder_is_held_by_one_process_only(folder: DataFolder) -> None:
    command = [sys.executable, "-c", HOLD, str(folder.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        assert folder.holder() == other.pid
        with pytest.raises(InUse, match=rf"already runs on {folder.path} \(pid {other.pid}\)"), folder.held():
            pass
        other.kill()
    assert folder.holder() is None
    with folder.held():
        assert (folder.path / "lock").read_text() == str(os.getpid())


def test_nobody_holds_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    assert DataFolder(tmp_path / "none").holder() is None


def test_secrets_are_made_once_and_only_the_owner_reads_them(folder: DataFolder) -> None:
    made = stack_secrets(folder)
    assert stack_secrets(folder) == made
    modes = {(folder.path / name).stat().st_mode & 0o777 for name in ("secrets.json", "gateway-keys.json")}
    assert modes == {0o600}
    assert made.api_key not in folder.gateway_keys.read_text()


def test_a_document_that_is_no_json_is_said(folder: DataFolder) -> None:
    (folder.path / "stack.json").write_text("{")
    with pytest.raises(CommandError, match=r"stack\.json cannot be read"):
        folder.read("stack.json")


def test_the_default_folder_is_the_named_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUAJIE_DATA_DIR", str(tmp_path / "named"))
    assert default_folder() == tmp_path / "named"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's engines run as somebody else")
def test_as_root_in_a_private_folder_the_data_goes_where_the_engines_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    monkeypatch.delenv("KUAJIE_DATA_DIR", raising=False)
    monkeypatch.chdir(private)
    assert default_folder().parent == Path("/var/lib/kuajie")
