"""The five services of a stack: their names, ports and addresses."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kuajie.ports import LOOPBACK

GATEWAY = "gateway"
SERVICES = (GATEWAY, "profile", "recommend", "intent", "insurance")
BACK_ENDS = SERVICES[1:]
WITH_DATABASE = ("profile", "recommend", "intent", "insurance")


def migrations_of(service: str) -> Path:
    return Path(__file__).parent.parent / "services" / service / "migrations"


def database_variable(service: str) -> str:
    return f"KUAJIE_{service.upper()}_DATABASE_URL"


@dataclass(frozen=True, slots=True)
class Topology:
    """The gateway on `port`, the back ends on the next four."""

    port: int

    def ports(self) -> Mapping[str, int]:
        return {service: self.port + offset for offset, service in enumerate(SERVICES)}

    def url(self, service: str) -> str:
        return f"http://{LOOPBACK}:{self.ports()[service]}"

    def back_end_urls(self) -> Mapping[str, str]:
        """Where the gateway finds the others, as its environment variables."""
        return {f"KUAJIE_GATEWAY_{service.upper()}_URL": self.url(service) for service in BACK_ENDS}
