"""How long `kuajie up` takes until it is ready: on a new folder, and on an existing one (budget: 12 s on two cores)."""

import json
import sys
import time
from pathlib import Path
from statistics import median

from bench.rig.stack import data_folder, stack

STARTS = 3


def seconds_to_start(folder: Path) -> float:
    begun = time.monotonic()
    with stack(folder, demo=False):
        return time.monotonic() - begun


def main() -> None:
    with data_folder() as folder:
        first = seconds_to_start(folder)
        with stack(folder, demo=True):
            pass
        later = [seconds_to_start(folder) for _ in range(STARTS)]
    report = {
        "benchmark": "startup",
        "new_folder_s": round(first, 2),
        "existing_folder_s": round(median(later), 2),
        "existing_folder_max_s": round(max(later), 2),
        "starts": STARTS,
    }
    sys.stdout.write(json.dumps(report) + "\n")


if __name__ == "__main__":
    main()
