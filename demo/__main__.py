"""`python -m demo --out DIR`: the demo's data as files in the import formats."""

import argparse
import sys
from datetime import datetime
from pathlib import Path

from demo.files import DEFAULT_END, write_files
from demo.world import DEFAULT_SEED, PEOPLE, simulate


def main() -> int:
    options = _parse()
    if options.end.tzinfo is None:
        sys.stderr.write("--end needs an offset, such as 2026-06-30T12:00:00Z\n")
        return 2
    try:
        counts = write_files(simulate(options.seed, people=options.people), options.out, end=options.end)
    except OSError as error:
        sys.stderr.write(f"cannot write to {options.out}: {error.strerror}\n")
        return 2
    for name, count in counts.items():
        sys.stdout.write(f"{options.out / name}: {count}\n")
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description="Write the synthetic demo data as files.")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for items.csv, events.csv, people.ndjson, truth.json"
    )
    parser.add_argument("--seed", type=_whole, default=DEFAULT_SEED, help="the same seed gives the same bytes")
    parser.add_argument("--people", type=_whole, default=PEOPLE, help=f"how many people (default {PEOPLE})")
    parser.add_argument(
        "--end", type=datetime.fromisoformat, default=DEFAULT_END, help="the moment that the events lead up to"
    )
    return parser.parse_args()


def _whole(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("a whole number from 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
