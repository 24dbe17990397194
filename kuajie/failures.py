"""How a command fails: one line for a person, and an exit code for a script."""


class CommandError(Exception):
    """The work could not be done: exit code 1."""

    exit_code = 1


class BadInput(CommandError):
    """What was asked or given makes no sense, and nothing was written: exit code 2."""

    exit_code = 2


class NotNow(CommandError):
    """The stack cannot answer at the moment; whoever has time may ask again."""
