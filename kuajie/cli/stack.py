"""The local stack and its processes: `kuajie up`, `down`, `serve`, `migrate`."""

import os
from typing import Annotated

import typer

from kuajie.cli.options import Data, Json, answer, data_folder
from kuajie.failures import BadInput
from kuajie.terminal import say, show


def up(
    demo: Annotated[bool, typer.Option("--demo", help="Load the demo on the first start.")] = False,
    detach: Annotated[
        bool, typer.Option("--detach", help="Return once it is ready; end it with `kuajie down`.")
    ] = False,
    port: Annotated[int, typer.Option(min=1, max=65531, help="The gateway's; the others take the next four.")] = 8000,
    data: Data = None,
    report_to: Annotated[int | None, typer.Option(hidden=True)] = None,
    as_json: Json = False,
) -> None:
    """Start the engines and the five services, and keep them running."""
    from kuajie import background
    from kuajie.topology import Topology
    from kuajie.up import Request, run
    from kuajie.welcome import TerminalReporter

    request = Request(data_folder(data), Topology(port), demo)
    reporter = TerminalReporter(as_json)
    if detach:
        reporter.ready(background.start(request, say))
    elif report_to is None:
        run(request, reporter)
    else:
        background.run_reporting(request, report_to)


def down(data: Data = None, as_json: Json = False) -> None:
    """End the stack that runs on a data folder."""
    from kuajie.up import down as end

    folder = data_folder(data)
    pid = end(folder)
    ended = {"stopped": pid is not None, "pid": pid, "data": str(folder.path)}
    answer(ended, as_json, lambda _: show(f"stopped (pid {pid})" if pid else f"no stack runs on {folder.path}"))


def serve(
    service: Annotated[str, typer.Argument(help="gateway, profile, recommend, intent or insurance.")],
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Default: 8000 to 8004 in that order.")] = None,
) -> None:
    """Run one service in this process, its settings taken from the environment."""
    from kuajie import serving

    serving.serve(_service(service), host, port or serving.default_port(service))


def migrate(
    service: Annotated[
        str | None, typer.Argument(help="profile, recommend, intent or insurance. Default: all of them.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Bring databases to the newest revision; each is named by KUAJIE_<SERVICE>_DATABASE_URL."""
    from kuajie import databases
    from kuajie.topology import WITH_DATABASE, database_variable

    if service is not None and service not in WITH_DATABASE:
        raise BadInput(f"{service} has no database; these have: {', '.join(WITH_DATABASE)}")
    services = (service,) if service else WITH_DATABASE
    missing = [database_variable(name) for name in services if not os.environ.get(database_variable(name))]
    if missing:
        raise BadInput(f"not set: {', '.join(missing)}")
    moved = {name: databases.migrate(name, os.environ[database_variable(name)]) for name in services}
    answer({"migrated": moved}, as_json, _show_migrated)


def _show_migrated(document: dict[str, dict[str, bool]]) -> None:
    for name, changed in document["migrated"].items():
        show(f"{name}: {'migrated' if changed else 'already at the newest revision'}")


def _service(name: str) -> str:
    from kuajie.topology import SERVICES

    if name not in SERVICES:
        raise BadInput(f"no such service: {name}; there are {', '.join(SERVICES)}")
    return name
