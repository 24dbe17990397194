"""One service as a process: uvicorn over `services.<name>.app:create_app`, settings from the environment.

The stack starts `python -m kuajie.serving`, which spares each of the five processes the command line's own imports.
"""

import argparse
import gc
import sys
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from kuajie.failures import BadInput, CommandError
from kuajie.ports import LOOPBACK
from kuajie.topology import SERVICES, Topology

if TYPE_CHECKING:
    from fastapi import FastAPI
    from pydantic import ValidationError
    from pydantic_settings import BaseSettings, SettingsError

DEFAULT_PORT = 8000


def serve(service: str, host: str, port: int) -> None:
    """Serve until a signal comes; running requests get five seconds to finish, what has no answer by then a 503.

    Raises BadInput naming a wrong setting.
    """
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    try:
        run(service, host, port)
    except ValidationError as error:
        raise BadInput(wrong_setting(error)) from error
    except SettingsError as error:
        raise BadInput(unreadable_setting(error, service)) from error


def run(service: str, host: str, port: int) -> None:
    import uvicorn

    from kuajie.connections import GRACE_S, Connection

    uvicorn.run(
        partial(application, service),
        factory=True,
        host=host,
        port=port,
        loop="uvloop",
        http=Connection,
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nothing here asks who the caller's address is
        timeout_graceful_shutdown=GRACE_S,
    )


def application(service: str) -> "FastAPI":
    """The service's application, in a process that is about to serve and nothing else.

    What is loaded by now stays, so that the collector need not look at it again, nor after every 700 new objects:
    a composed answer makes a thousand, and costs a fifth less CPU this way.
    """
    app: FastAPI = import_module(f"services.{service}.app").create_app()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    return app


def wrong_setting(error: "ValidationError") -> str:
    """The first wrong setting by the name of its variable."""
    from pydantic_settings import BaseSettings

    from services.kit.wire import message_of

    first: dict[str, Any] = dict(error.errors(include_url=False, include_input=False)[0])
    known = {settings.__name__: settings for settings in descendants(BaseSettings)}
    prefix = known[error.title].model_config.get("env_prefix", "") if error.title in known else ""
    name = f"{prefix}{first['loc'][0]}".upper() if first["loc"] else error.title
    return f"{name}: {message_of(first)}"


def unreadable_setting(error: "SettingsError", service: str) -> str:
    """A value that should be JSON and is not, by the name of its variable: pydantic tells its field alone."""
    from pydantic_settings import BaseSettings

    field = str(error).partition('"')[2].partition('"')[0]
    prefixes = {each.model_config["env_prefix"] for each in descendants(BaseSettings) if field in each.model_fields}
    own = f"KUAJIE_{service.upper()}_"
    return f"{own if own in prefixes else 'KUAJIE_'}{field}".upper() + ": it must be written as JSON"


def descendants(settings: "type[BaseSettings]") -> "Iterator[type[BaseSettings]]":
    for child in settings.__subclasses__():
        yield child
        yield from descendants(child)


def default_port(service: str) -> int:
    return Topology(DEFAULT_PORT).ports()[service]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m kuajie.serving")
    parser.add_argument("service", choices=SERVICES)
    parser.add_argument("--host", default=LOOPBACK)
    parser.add_argument("--port", type=int)
    arguments = parser.parse_args()
    try:
        serve(arguments.service, arguments.host, arguments.port or default_port(arguments.service))
    except CommandError as error:
        sys.exit(f"kuajie: {error}")


if __name__ == "__main__":
    main()
