"""Fresh secrets for docker-compose.yml: `.env` and `deploy/secrets/gateway-keys.json`. Needs nothing but Python.

It never overwrites: remove both files to start over, and the volumes with them, for PostgreSQL keeps its first password.
"""

import hashlib
import json
import os
import secrets
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
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


def make(folder: Path) -> Path:
    """Write both files under `folder`; gives the path of the environment file. Raises FileExistsError."""
    environment = folder / ".env"
    keys = folder / "deploy" / "secrets" / "gateway-keys.json"
    for path in (environment, keys):
        if path.exists():
            raise FileExistsError(f"{path} exists already")
    api_key = f"kj_{secrets.token_urlsafe(32)}"
    values = {
        "KUAJIE_INTERNAL_KEYS": f"compose-1:{secrets.token_hex(32)}",
        "KUAJIE_INTENT_SEALING_KEYS": f"compose-1:{secrets.token_hex(32)}",
        "KUAJIE_API_KEY": api_key,
        "POSTGRES_PASSWORD": secrets.token_hex(24),
        "GRAFANA_PASSWORD": secrets.token_hex(12),
    }
    keys.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Readable by the container's user; it holds a digest, not the key.
    _write(keys, json.dumps([_key(api_key)], indent=1) + "\n", mode=0o644)
    _write(environment, "".join(f"{name}={value}\n" for name, value in values.items()), mode=0o600)
    return environment


def _key(api_key: str) -> dict[str, object]:
    digest = hashlib.sha256(api_key.encode()).hexdigest()
    return {"key_id": "compose", "sha256": digest, "tenant_id": "default", "scopes": SCOPES, "kind": "server"}


def _write(path: Path, text: str, *, mode: int) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
    path.chmod(mode)


if __name__ == "__main__":
    try:
        written = make(REPOSITORY)
    except FileExistsError as error:
        sys.exit(str(error))
    sys.stdout.write(f"wrote {written} and deploy/secrets/gateway-keys.json; the API key is KUAJIE_API_KEY in it\n")
