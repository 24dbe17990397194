"""Who may ask for what concerns many people at once."""

from services.kit.errors import Forbidden
from services.kit.identity import Caller


def servers_only(caller: Caller) -> None:
    """Raises Forbidden for a person's credential, whatever its scopes."""
    if caller.kind == "person":
        raise Forbidden("This concerns many people at once: it needs a server's credential.")
