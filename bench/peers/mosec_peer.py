"""The model behind Mosec: `python -m bench.peers.mosec_peer --port PORT`, in the peers' environment.

PEER_FOLDER, PEER_BATCH, PEER_WAIT_MS and PEER_BUDGET say the rest: Mosec reads the command line itself and spawns its workers.
POST /inference with `{"texts": […]}`. Its own dynamic batching gathers requests; their texts are computed together, sorted by length.
"""

import os
from pathlib import Path
from typing import Any

import mosec

from bench.peers.raw import RawModel


class Intents(mosec.Worker):
    def __init__(self) -> None:
        self._model = RawModel(Path(os.environ["PEER_FOLDER"]))
        self._budget = int(os.environ["PEER_BUDGET"])

    def forward(self, data: list[dict[str, list[str]]]) -> list[dict[str, Any]]:
        answers = iter(self._model.answers([text for each in data for text in each["texts"]], self._budget))
        return [{"results": [next(answers) for _ in each["texts"]]} for each in data]


def main() -> None:
    server = mosec.Server()
    batch, wait_ms = int(os.environ["PEER_BATCH"]), int(os.environ["PEER_WAIT_MS"])
    server.append_worker(Intents, num=1, max_batch_size=batch, max_wait_time=wait_ms)
    server.run()


if __name__ == "__main__":
    main()
