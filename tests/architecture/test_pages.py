"""What a page shows can be done: its commands and options exist, its links and files lead somewhere."""

import re
import subprocess
from importlib.util import find_spec
from os.path import normpath
from pathlib import Path

import pytest
from typer.main import get_command

from bench.__main__ import names
from kuajie.cli import app

REPOSITORY = Path(__file__).resolve().parents[2]
COMMANDS = get_command(app)


def pages() -> list[str]:
    """Every page of ours; those under tests/data are input."""
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return [page for page in listed.stdout.split() if not page.startswith("tests/data/")]


PAGES = pages()
FENCED = re.compile(r"```.*?```", re.DOTALL)


def commands(page: str) -> list[list[str]]:
    """The words of every line of the page's shell blocks, and of inline code, that begin with a command of ours."""
    text = (REPOSITORY / page).read_text()
    blocks = re.findall(r"```(?:sh|bash|console)\n(.*?)```", text, re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    inline = re.findall(r"`([^`\n]+)`", FENCED.sub("", text))
    found = []
    for line in [*lines, *inline]:
        words = line.split("#")[0].split()
        while words and re.match(r"[A-Z_]+=", words[0]):
            del words[0]
        if words and words[0].rpartition("/")[2] in {"make", "kuajie", "python"} and len(words) > 1:
            found.append([words[0].rpartition("/")[2], *words[1:]])
    return found


def missing(words: list[str]) -> str | None:
    """The first word of a command that does not exist; None when all do."""
    if words[0] == "make":
        targets = re.findall(r"^([a-z][a-z-]*):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
        return next((word for word in words[1:] if "=" not in word and word not in targets), None)
    return missing_of_python(words[1:]) if words[0] == "python" else missing_of_kuajie(words[1:])


def missing_of_python(words: list[str]) -> str | None:
    if words[0] != "-m":
        return None
    if words[1] == "bench":
        return next((word for word in words[2:3] if not word.startswith("-") and word not in names()), None)
    return None if find_spec(words[1]) else words[1]


def missing_of_kuajie(words: list[str]) -> str | None:
    command = COMMANDS
    for word in words:
        if word in {"…", "|"}:
            return None
        if hasattr(command, "commands"):
            if word.startswith("-"):
                continue
            if word not in command.commands:
                return word
            command = command.commands[word]
        elif word.startswith("--"):
            options = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
            if word.split("=")[0] not in {*options, "--help"}:
                return word
    return None


@pytest.mark.parametrize("page", PAGES)
def test_every_command_that_a_page_shows_exists(page):
    assert [" ".join(words) for words in commands(page) if missing(words)] == []


def test_what_does_not_exist_is_found():
    shown = ["kuajie fit all --wat", "kuajie models sell", "make coffee", "python -m bench nothing", "python -m demos"]
    assert [missing(line.split()) for line in shown] == ["--wat", "sell", "coffee", "nothing", "demos"]


def links(page: str) -> list[str]:
    """What the page points to inside the repository."""
    return re.findall(r"\]\((?!https?://)([^)]+)\)", FENCED.sub("", (REPOSITORY / page).read_text()))


def headings(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_inside_the_repository_leads_somewhere(page):
    here = REPOSITORY / page
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = here.parent / path if path else here
        assert target.exists(), link
        assert not anchor or anchor in headings(target), link


@pytest.mark.parametrize("start", ["README.md", "README.zh-CN.md"])
def test_a_reader_comes_to_every_page_from_the_first(start):
    met, to_read = {start}, [start]
    while to_read:
        page = to_read.pop()
        leads = {normpath(Path(page).parent / link.partition("#")[0]) for link in links(page)} & set(PAGES)
        to_read += leads - met
        met |= leads
    assert {page for page in PAGES if page not in met and not page.startswith("models/")} == set()


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_exists(page):
    """Named from the root, from the page's own folder, or from the service that the page is about."""
    here = REPOSITORY / page
    roots = (REPOSITORY, here.parent, REPOSITORY / "services" / here.stem)
    named = re.findall(r"`([\w.-]+(?:/[\w.-]+)+\.(?:py|json|csv|md|yaml|yml|sh))`", FENCED.sub("", here.read_text()))
    assert [name for name in named if not any((root / name).exists() for root in roots)] == []
