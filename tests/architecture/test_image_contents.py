"""An image holds its service's extra and nothing more: each start is tried with every other package out of sight."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).resolve().parents[2]

STARTS = {
    "gateway": "services.gateway.app, kuajie.serving, kuajie.cli",
    "profile": "services.profile.app, services.profile.tables, services.kit.migration_env, kuajie.databases",
    "recommend": "services.recommend.app, services.recommend.tables, services.kit.migration_env, kuajie.databases",
    "intent": "services.intent.app, services.intent.tables, services.kit.migration_env, kuajie.databases",
    "intent-onnx": "services.intent.app, services.intent.trained.transformer, kuajie.serving, kuajie.cli",
    "insurance": "services.insurance.app, services.insurance.tables, services.kit.migration_env, kuajie.databases",
    "train-intent": "training.intent.making, training.intent.judging, kuajie.training, kuajie.cli",
    "train": "training.segments, training.recommend, services.kit.artifacts, kuajie.fitting, kuajie.cli",
}

BLOCKER = """
import sys
from importlib.abc import MetaPathFinder
hidden = set({hidden!r})
class Hidden(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in hidden:
            raise ModuleNotFoundError(f"not in the image: {{name}}", name=name)
        return None
sys.meta_path.insert(0, Hidden())
import {imports}
"""


def wanted(extra: str) -> set[str]:
    """Distributions that `pip install kuajie[extra]` brings, by canonical name."""
    seen: set[tuple[str, str]] = set()
    open_ends = [("kuajie", extra), ("kuajie", "")]
    while open_ends:
        name, chosen = open_ends.pop()
        if (name, chosen) in seen:
            continue
        seen.add((name, chosen))
        open_ends += _needs(name, chosen)
    return {name for name, _ in seen}


def _needs(name: str, extra: str) -> Iterator[tuple[str, str]]:
    for line in requires(name) or ():
        needed = Requirement(line)
        if needed.marker is None or needed.marker.evaluate({"extra": extra}):
            yield from ((canonicalize_name(needed.name), each) for each in ("", *needed.extras))


def hidden_modules(extra: str) -> set[str]:
    """Top-level modules that are installed here and would not be in the image."""
    kept = wanted(extra)
    return {
        module
        for module, distributions in packages_distributions().items()
        if not kept & {canonicalize_name(each) for each in distributions} and module not in {"pip", "setuptools"}
    }


@pytest.mark.parametrize("extra", STARTS)
def test_a_service_starts_with_its_own_extra_alone(extra: str) -> None:
    hidden = hidden_modules(extra)
    assert {"pytest", "scipy"} - wanted(extra) <= hidden
    started = subprocess.run(
        [sys.executable, "-c", BLOCKER.format(hidden=sorted(hidden), imports=STARTS[extra])],
        cwd=REPOSITORY,
        check=False,
        capture_output=True,
        text=True,
    )
    assert started.stderr == ""


def test_the_blocker_hides_what_is_not_in_the_image() -> None:
    started = subprocess.run(
        [sys.executable, "-c", BLOCKER.format(hidden=sorted(hidden_modules("gateway")), imports="sqlalchemy")],
        check=False,
        capture_output=True,
        text=True,
    )
    assert "not in the image: sqlalchemy" in started.stderr


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        ("import items rows.parquet", "pyarrow"),
        ("evaluate recommend --items rows.parquet --train rows.parquet --test rows.parquet", "numpy"),
    ],
)
def test_the_command_says_which_extra_brings_what_an_image_lacks(arguments: str, missing: str, tmp_path: Path) -> None:
    (tmp_path / "rows.parquet").touch()
    script = BLOCKER.format(hidden=sorted(hidden_modules("gateway")), imports="kuajie.cli") + "kuajie.cli.main()"
    told = subprocess.run(
        [sys.executable, "-c", script, *arguments.split()],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        check=False,
        capture_output=True,
        text=True,
    )
    extra = "pip install 'kuajie[train]'"
    assert told.stderr == f"kuajie: {missing} is not installed; this needs the extra: {extra}\n"
    assert told.returncode == 2


def test_services_bring_no_training_framework() -> None:
    heavy = {"torch", "transformers", "scipy", "scikit-learn", "matplotlib", "pyarrow"}
    for extra in ("gateway", "profile", "recommend", "intent-onnx", "insurance"):
        assert wanted(extra) & heavy == set(), extra


def test_every_data_file_beside_the_code_is_packaged() -> None:
    patterns = re.search(
        r'\[tool\.setuptools\.package-data\]\n"\*" = \[(.*)\]', (REPOSITORY / "pyproject.toml").read_text()
    )
    assert patterns
    globs = re.findall(r'"([^"]+)"', patterns[1])
    listed = subprocess.run(
        ["git", "ls-files", "kuajie", "services", "training", "demo"],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
        text=True,
    )
    # Rows that models are trained on are read in a checkout, never in an image.
    data = [path for path in listed.stdout.split() if not path.endswith(".py") and "/data/" not in path]
    assert [path for path in data if not any(fnmatch(Path(path).name, glob) for glob in globs)] == []
