"""What `kuajie up` shows when a stack is ready."""

import shlex
from dataclasses import dataclass
from typing import Any

from kuajie.terminal import say, show, show_json


@dataclass(frozen=True, slots=True)
class TerminalReporter:
    """Progress on standard error; the addresses on standard output, or one JSON document of them."""

    as_json: bool

    def say(self, text: str) -> None:
        say(text)

    def ready(self, state: dict[str, Any]) -> None:
        shown = {**state, "curl": example(state)}
        if self.as_json:
            show_json(shown)
        else:
            show(welcome(shown))


def example(state: dict[str, Any]) -> str:
    """One line to try in a shell: the composed call for a person of the demo, or for a stranger without it."""
    return (
        f"curl -s {state['url']}/v1/recommend -H 'Authorization: Bearer {state['api_key']}' "
        f"-H 'Content-Type: application/json' -d {shlex.quote(state['example'])}"
    )


def welcome(state: dict[str, Any]) -> str:
    addresses = "\n".join(f"  {service:<10}{url}" for service, url in state["services"].items())
    note = "\nThe demo's people, items and events are invented." if state["demo"] else ""
    return f"Kuajie is ready.\n{addresses}{note}\n\nTry:\n{state['curl']}"
