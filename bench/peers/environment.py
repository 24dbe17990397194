"""The peers' own environment: made on demand beside the project's, never in it, with the same onnxruntime and tokenizers."""

import subprocess
import sys
import venv
from importlib.metadata import version
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / ".venv-peers"
PEERS = ("litserve==0.2.19", "mosec==0.9.8")
SHARED = ("onnxruntime", "tokenizers", "numpy")


def peers_python() -> Path:
    """The interpreter that has both peers; a minute of installing when it is first asked for."""
    python, mark = FOLDER / "bin" / "python", FOLDER / ".installed"
    wanted = [*PEERS, *(f"{name}=={version(name)}" for name in SHARED)]
    if not mark.exists() or mark.read_text(encoding="utf-8").split() != wanted:
        sys.stderr.write("making the peers' environment …\n")
        venv.create(FOLDER, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "-qqq", *wanted], check=True, stdout=sys.stderr)
        mark.write_text("\n".join(wanted), encoding="utf-8")
    return python
