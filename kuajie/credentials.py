"""The secrets of a local stack: made once, kept in its data folder."""

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass

from kuajie.data_folder import DataFolder
from kuajie.private_files import write_private

TENANT = "default"
SCOPES = (
    "events:write",
    "events:export",
    "profile:read",
    "profile:write",
    "consents:write",
    "consents:read",
    "items:write",
    "items:read",
    "recommend:read",
    "recommend:export",
    "campaigns:write",
    "campaigns:read",
    "understand",
    "monitor:write",
    "monitor:read",
    "monitor:alerts",
    "monitor:webhooks",
    "assist:write",
    "assist:read",
    "assist:agent",
    "models:read",
    "models:write",
    "assist:report",
    "knowledge:write",
    "knowledge:read",
    "offers:read",
    "products:read",
    "products:write",
    "suitability:write",
    "suitability:read",
    "export:read",
)


@dataclass(frozen=True, slots=True)
class Secrets:
    """`internal_keys` signs the token between the services; `api_key` opens the gateway for the command line; `sealing_keys` seal
    what is kept secret in databases."""

    internal_keys: str
    api_key: str
    sealing_keys: str


def stack_secrets(folder: DataFolder) -> Secrets:
    """The folder's secrets, and the gateway's key file made from them."""
    known = folder.read("secrets.json") or {}
    found = Secrets(**{**asdict(_fresh()), **known})
    if asdict(found) != known:  # a new folder, or one of a release that had fewer secrets
        folder.write("secrets.json", asdict(found))
    if not folder.gateway_keys.exists():
        write_private(folder.gateway_keys, json.dumps([gateway_key(found.api_key)], indent=1))
    return found


def _fresh() -> Secrets:
    return Secrets(
        f"local-1:{secrets.token_hex(32)}", f"kj_{secrets.token_urlsafe(32)}", f"local-1:{secrets.token_hex(32)}"
    )


def gateway_key(api_key: str) -> dict[str, object]:
    """One entry of the gateway's key file: the key itself is not in it, its SHA-256 is."""
    digest = hashlib.sha256(api_key.encode()).hexdigest()
    return {"key_id": "local", "sha256": digest, "tenant_id": TENANT, "scopes": SCOPES, "kind": "server"}
