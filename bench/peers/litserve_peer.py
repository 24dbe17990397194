"""The model behind LitServe: `python -m bench.peers.litserve_peer FOLDER PORT BATCH WAIT_S BUDGET`, in the peers' environment.

POST /predict with `{"texts": […]}`. Its own dynamic batching gathers requests; their texts are computed together, sorted by length.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import litserve

from bench.peers.raw import RawModel


class Intents(litserve.LitAPI):
    def __init__(self, folder: Path, budget: int, **batching: Any) -> None:
        super().__init__(**batching)
        self._folder, self._budget = folder, budget

    def setup(self, device: str) -> None:
        self._model = RawModel(self._folder)

    def decode_request(self, request: dict[str, list[str]]) -> list[str]:
        return request["texts"]

    def batch(self, inputs: list[list[str]]) -> list[list[str]]:
        return inputs

    def predict(self, requests: Sequence[list[str]]) -> list[list[dict[str, Any]]]:
        answers = iter(self._model.answers([text for texts in requests for text in texts], self._budget))
        return [[next(answers) for _ in texts] for texts in requests]

    def unbatch(self, output: list[list[dict[str, Any]]]) -> list[list[dict[str, Any]]]:
        return output

    def encode_response(self, output: list[dict[str, Any]]) -> dict[str, Any]:
        return {"results": output}


def main() -> None:
    folder, port, batch, wait_s, budget = sys.argv[1:]
    api = Intents(Path(folder), int(budget), max_batch_size=int(batch), batch_timeout=float(wait_s))
    server = litserve.LitServer(api, accelerator="cpu", devices=1, workers_per_device=1, fast_queue=True)
    server.run(host="127.0.0.1", port=int(port), num_api_servers=1, log_level="error", generate_client_file=False)


if __name__ == "__main__":
    main()
