"""Documents that can be checked are checked."""

import re
import subprocess
from pathlib import Path

import pytest

from kuajie import reference

REPOSITORY = Path(__file__).resolve().parents[2]


def tracked() -> set[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return set(listed.stdout.split("\n")) - {""}


def tree_paths() -> dict[str, str]:
    """Path → description of every line of the tree in ARCHITECTURE.md, which indents by two spaces."""
    block = re.search(r"```text\n(.*?)```", (REPOSITORY / "ARCHITECTURE.md").read_text(), re.DOTALL)
    assert block
    paths: dict[str, str] = {}
    parents: list[str] = []
    for line in block[1].splitlines():
        name, _, description = line.strip().partition("  ")
        depth = (len(line) - len(line.lstrip())) // 2
        parents = [*parents[:depth], name.rstrip("/")]
        paths["/".join(parents)] = description.strip()
    return paths


def test_every_line_of_the_tree_exists_and_says_what_it_is():
    files = tracked()
    for path, description in tree_paths().items():
        assert path in files or any(each.startswith(path + "/") for each in files), path
        assert description, path


def test_the_tree_names_every_folder_of_code_and_every_service_file():
    named = tree_paths()
    missing = set()
    for each in tracked():
        path = Path(each)
        if path.suffix != ".py" or path.parts[0] not in {"kuajie", "services", "training", "demo", "bench", "tests"}:
            continue
        depth = min(2, len(path.parts) - 1) if path.parts[0] == "tests" else len(path.parts) - 1
        needed = "/".join(path.parts[:depth])
        if needed not in named and "migrations" not in needed:
            missing.add(needed)
    assert missing == set()


def test_the_settings_page_is_what_the_classes_say():
    assert (REPOSITORY / "docs" / "settings.md").read_text() == reference.page()


@pytest.mark.parametrize(("section", "settings"), reference.CLASSES)
def test_every_setting_is_described(section, settings):
    for name, field in reference.variables(settings):
        assert field.description, f"{section}: {name}"
