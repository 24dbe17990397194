"""The command `kuajie`. Each subcommand imports what it needs when it runs, so that `--help` is quick."""

from kuajie.cli.entry import app, main

__all__ = ["app", "main"]
