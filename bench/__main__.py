"""`python -m bench [name …] [--option …]`: each benchmark as a process of its own; one JSON line each, exit code 1 when one failed.

Options come behind the names and go to every one of those named: `python -m bench intent_serving --peers --rounds 6`.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))


def main(words: Sequence[str]) -> int:
    wanted = list(takewhile(lambda word: not word.startswith("-"), words))
    options = words[len(wanted) :]
    if options and not wanted:
        sys.stderr.write(f"{' '.join(options)}: of which benchmark?\n")
        return 2
    unknown = [name for name in wanted if name not in names()]
    if unknown:
        sys.stderr.write(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(names())}\n")
        return 2
    passed = [run(name, options) for name in wanted or names()]
    return 0 if all(passed) else 1


def run(name: str, options: Sequence[str]) -> bool:
    """Whether the benchmark ended well and printed its one line, which is passed on."""
    sys.stderr.write(f"{name} …\n")
    command = [sys.executable, "-m", f"bench.{name}", *options]
    done = subprocess.run(command, cwd=FOLDER.parent, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0 or not _is_one_json_line(done.stdout):
        reason = f"exit code {done.returncode}" if done.returncode else "not one JSON line"
        sys.stderr.write(f"{name} failed: {reason}\n")
        return False
    sys.stdout.write(done.stdout)
    sys.stdout.flush()
    return True


def _is_one_json_line(output: str) -> bool:
    try:
        json.loads(output)
    except ValueError:
        return False
    return output.count("\n") == 1 and output.endswith("\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
