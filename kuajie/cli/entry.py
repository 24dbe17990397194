"""The commands put together, and how a failure of one is told."""

import os
import sys

import typer
from typer.exceptions import TyperException

from kuajie.cli import evaluate, exports, imports, models, monitor, stack, train
from kuajie.cli.fit import fit
from kuajie.failures import CommandError
from kuajie.terminal import say

app = typer.Typer(
    help="Recommendations, intent and insurance offers for paid-knowledge platforms.", add_completion=False
)
for command in (stack.up, stack.down, stack.serve, stack.migrate, fit):
    app.command()(command)
app.add_typer(models.app, name="models")
app.add_typer(monitor.app, name="monitor")
app.add_typer(imports.app, name="import")
app.add_typer(exports.app, name="export")
app.add_typer(train.app, name="train")
app.add_typer(evaluate.app, name="evaluate")


def main() -> None:
    """Run the command line: a failure is one line on standard error, exit code 1, or 2 for bad input and usage."""
    try:
        status = app(sys.argv[1:] or ["--help"], prog_name="kuajie", standalone_mode=False)
    except TyperException as error:
        _fail(error.format_message().splitlines()[0] if hasattr(error, "format_message") else str(error), 2)
    except CommandError as error:
        _fail(str(error), error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:  # a failure of ours: said, and shown whole on request
        if os.environ.get("KUAJIE_TRACEBACK"):
            raise
        _fail(f"failed unexpectedly: {type(error).__name__}: {error} (KUAJIE_TRACEBACK=1 shows where)", 1)
    sys.exit(status if isinstance(status, int) else 0)


def _fail(text: str, status: int) -> None:
    say(" ".join(text.split()))
    sys.exit(status)
