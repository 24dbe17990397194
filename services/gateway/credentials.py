"""Who calls the gateway: a server by its key, a person by a token of the platform's identity provider."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Request

from services.gateway.keys import ServerKeys, key_digest, parse_keys
from services.gateway.people import PersonKeys, PersonTokens, TokenRules, parse_jwks
from services.gateway.settings import GatewaySettings
from services.gateway.watched import WatchedFile
from services.kit.errors import Unauthorised, Unavailable
from services.kit.identity import Caller, bearer
from services.kit.tasks import background


class Credentials:
    """Both kinds of credential, from files that may change while we run. The tenant comes from here and nowhere else."""

    def __init__(
        self, keys: WatchedFile[ServerKeys], people: PersonTokens, jwks: WatchedFile[PersonKeys] | None
    ) -> None:
        self._keys = keys
        self._people = people
        self._jwks = jwks

    @classmethod
    def of(cls, settings: GatewaySettings) -> "Credentials":
        """As the settings say; nothing is read yet."""
        rules = TokenRules(
            audience=settings.jwt_audience,
            issuer=settings.jwt_issuer or "",
            tenant_claim=settings.jwt_tenant_claim,
            scopes=settings.person_scopes,
        )
        jwks = WatchedFile("jwks", settings.jwks_file, parse_jwks) if settings.jwks_file else None
        return cls(WatchedFile("keys", settings.keys_file, parse_keys), PersonTokens(rules), jwks)

    async def __call__(self, request: Request) -> Caller:
        """The caller of a request; raises Unauthorised, or Unavailable while the files were never read."""
        credential = bearer(request)
        if self._jwks is not None and credential.count(".") == 2:
            return self._people.verify(credential, self._jwks.value)
        if self._keys.value is None:
            raise Unavailable("The keys of servers are not loaded.")
        caller = self._keys.value.get(key_digest(credential))
        if caller is None:
            raise Unauthorised("The key is not known.")
        return caller

    def missing(self) -> list[str]:
        """Why nobody, or no person, could be let in now."""
        files = [("server keys", self._keys), ("keys of people's tokens", self._jwks)]
        return [f"{name} are not loaded" for name, file in files if file is not None and file.value is None]

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Read the files, and follow their changes while the block runs."""
        files = [file for file in (self._keys, self._jwks) if file is not None]
        for file in files:
            await file.refresh()
        async with background(*(file.run for file in files)):
            yield
