"""One service as a process: uvicorn over `services.<name>.app:create_app`, settings from the environment.

The stack starts `python -m kuajie.serving`, which spares each of the five processes the command line's own imports.
"""

import argparse

from kuajie.ports import LOOPBACK
from kuajie.topology import SERVICES, Topology

DEFAULT_PORT = 8000


def serve(service: str, host: str, port: int) -> None:
    """Serve until a signal comes; running requests get five seconds to finish."""
    import uvicorn

    uvicorn.run(
        f"services.{service}.app:create_app",
        factory=True,
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )


def default_port(service: str) -> int:
    return Topology(DEFAULT_PORT).ports()[service]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m kuajie.serving")
    parser.add_argument("service", choices=SERVICES)
    parser.add_argument("--host", default=LOOPBACK)
    parser.add_argument("--port", type=int)
    arguments = parser.parse_args()
    serve(arguments.service, arguments.host, arguments.port or default_port(arguments.service))


if __name__ == "__main__":
    main()
