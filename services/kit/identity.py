"""Who calls: the gateway's signed token between services, a declared scope on every route."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

import jwt
from fastapi import Depends, Request

from services.kit.asgi import header
from services.kit.errors import Forbidden, Unauthorised

AUDIENCE = "kuajie-internal"
TOKEN_LIFETIME_S = 60
_CACHED_TOKENS = 10_000


@dataclass(frozen=True, slots=True)
class Caller:
    """The authenticated party. The tenant comes from the credential and from nowhere else."""

    tenant_id: str
    subject: str
    kind: Literal["server", "person"]
    scopes: frozenset[str]

    def require_self(self, user_id: str) -> None:
        """A person acts for nobody else; a server may act for everybody of its tenant."""
        if self.kind == "person" and self.subject != user_id:
            raise Forbidden("This credential may only act for its own user.", param="user_id")

    def require_scope(self, scope: str) -> None:
        if scope not in self.scopes:
            told = {"WWW-Authenticate": f'Bearer realm="kuajie", error="insufficient_scope", scope="{scope}"'}
            raise Forbidden(f"This credential lacks the scope {scope}.", headers=told, scope=scope)


Authenticate = Callable[[Request], Awaitable[Caller]]


class Keyring:
    """The keys of the internal token: HS256 (RFC 7515), the first key signs, every key verifies, so that keys can rotate."""

    def __init__(self, spec: str) -> None:
        pairs = [part.strip().partition(":") for part in spec.split(",") if part.strip()]
        if not pairs or any(not kid or len(secret) < 32 for kid, _, secret in pairs):
            raise ValueError(
                "KUAJIE_INTERNAL_KEYS must be `kid:secret[,kid:secret]` with secrets of 32 characters or more"
            )
        self._keys = {kid: secret for kid, _, secret in pairs}
        self._signing_kid = pairs[0][0]
        self._verified: dict[str, tuple[float, Caller]] = {}

    def sign(self, caller: Caller, *, lifetime_s: float = TOKEN_LIFETIME_S) -> str:
        """A token that says who calls, for `lifetime_s` seconds."""
        claims = {
            "aud": AUDIENCE,
            "exp": int(time.time() + lifetime_s),
            "tid": caller.tenant_id,
            "sub": caller.subject,
            "knd": caller.kind,
            "scp": sorted(caller.scopes),
        }
        return jwt.encode(claims, self._keys[self._signing_kid], "HS256", headers={"kid": self._signing_kid})

    def verify(self, token: str) -> Caller:
        """The caller of a valid token, remembered until it expires; raises `Unauthorised`."""
        known = self._verified.get(token)
        if known and known[0] > time.time():
            return known[1]
        claims = self._claims(token)
        caller = Caller(claims["tid"], claims["sub"], claims["knd"], frozenset(claims["scp"]))
        if len(self._verified) >= _CACHED_TOKENS:
            self._verified.clear()
        self._verified[token] = (float(claims["exp"]), caller)
        return caller

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            kid = jwt.get_unverified_header(token).get("kid", "")
            key = self._keys[kid]
            required = {"require": ["exp", "aud", "tid", "sub", "knd", "scp"]}
            claims: dict[str, Any] = jwt.decode(token, key, ["HS256"], audience=AUDIENCE, options=required)  # type: ignore[arg-type]
        except (jwt.InvalidTokenError, KeyError) as error:
            raise Unauthorised("The internal token is missing, expired or not ours.") from error
        return claims


def bearer(request: Request) -> str:
    """The credential of the `Authorization: Bearer` header; raises `Unauthorised`."""
    scheme, _, credential = (header(request.scope, b"authorization") or "").partition(" ")
    if scheme.lower() != "bearer" or not credential:
        raise Unauthorised()
    return credential.strip()


def internal_token(keyring: Keyring) -> Authenticate:
    """How a back end knows its callers."""

    async def authenticate(request: Request) -> Caller:
        return keyring.verify(bearer(request))

    return authenticate


@dataclass(frozen=True, slots=True)
class ScopeCheck:
    """The dependency behind `requires`; the architecture test reads `scope` off every route."""

    scope: str

    async def __call__(self, request: Request) -> Caller:
        authenticate: Authenticate = request.app.state.authenticate
        caller = await authenticate(request)
        caller.require_scope(self.scope)
        return caller


def requires(scope: str) -> Any:
    """Declare a route's scope and receive its caller: `caller: Annotated[Caller, requires("events:write")]`."""
    return Depends(ScopeCheck(scope))
