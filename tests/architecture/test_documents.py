"""Documents that can be checked are checked."""

import re
import subprocess
from pathlib import Path

import pytest
from typer.main import get_command

from kuajie import reference
from kuajie.cli import app

REPOSITORY = Path(__file__).resolve().parents[2]
READMES = ("README.md", "README.zh-CN.md")


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


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))


def commands(page: str) -> list[str]:
    """Every line of the page's shell blocks, and inline code that begins with one of our commands."""
    text = (REPOSITORY / page).read_text()
    blocks = "\n".join(re.findall(r"```(?:sh|bash)\n(.*?)```", text, re.DOTALL)).splitlines()
    inline = re.findall(r"`((?:make|kuajie|\.venv/bin/kuajie) [^`]+)`", text)
    return [line.strip() for line in [*blocks, *inline]]


@pytest.mark.parametrize("page", [*READMES, "CONTRIBUTING.md"])
def test_every_command_that_a_page_shows_exists(page):
    targets, tree = make_targets(), get_command(app)
    shown = commands(page)
    assert shown
    for line in shown:
        words = line.split("#")[0].split()
        if words[:1] == ["make"]:
            assert set(words[1:]) <= targets | {w for w in words if "=" in w}, line
        elif words and words[0].endswith("kuajie"):
            assert_command(tree, words[1:], line)


def assert_command(tree, words: list[str], line: str) -> None:
    command = tree
    for word in words:
        if hasattr(command, "commands"):
            assert word in command.commands, line
            command = command.commands[word]
        elif word.startswith("--"):
            options = {option for parameter in command.params for option in parameter.opts}
            assert word.split("=")[0] in options, line


@pytest.mark.parametrize("page", READMES)
def test_every_link_inside_the_repository_leads_somewhere(page):
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", (REPOSITORY / page).read_text())
    assert links
    for link in links:
        assert (REPOSITORY / link).exists(), link
