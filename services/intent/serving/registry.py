"""The versions that one process holds: warm before they serve, drained when they do not. Knows no HTTP and no database."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self

from services.intent.model import ModelRefused
from services.intent.serving.desired import Desired, State, Wish
from services.intent.serving.engine import Engine, EngineObserver, NoModel, Served
from services.intent.serving.library import Known, Library, Signature
from services.intent.serving.memory import give_back, keep_large_pieces_apart
from services.intent.serving.opening import Loaded, Sizes, opened
from services.intent.serving.shadow import Shadow, ShadowObserver
from services.kit.telemetry import get_logger

log = get_logger(__name__)

NOT_HERE = "no package of this version is here"


class RegistryObserver(Protocol):
    """Who is told what becomes of versions."""

    def version(self, name: str, version: str) -> EngineObserver: ...
    def shadow(self, version: str) -> ShadowObserver: ...
    def loaded(self, version: str, seconds: float) -> None: ...
    def swapped(self) -> None: ...
    def refused(self, version: str) -> None: ...
    def stand(self, states: Mapping[str, State]) -> None: ...


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a version cannot be served. It is tried again when it is asked for once more, or when its files change."""

    reason: str
    asked_at: datetime | None
    signature: Signature | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a version stands in this process; `load_s` is how long it took to load, None where it is not."""

    state: State
    reason: str | None = None
    load_s: float | None = None


class Registry:
    """Use as `async with Registry(…) as registry`; call `towards` from one task. Leaving the block drains every version."""

    def __init__(self, engine: Engine, library: Library, observer: RegistryObserver, sizes: Sizes) -> None:
        self._engine = engine
        self._library = library
        self._observer = observer
        self._sizes = sizes
        self._known: Mapping[str, Known] = {}
        self._loaded: dict[str, Loaded] = {}
        self._loading: str | None = None
        self._refusals: dict[str, Refusal] = {}
        self._retiring: dict[str, asyncio.Task[None]] = {}
        self._shadow: tuple[str, Shadow] | None = None
        self._wanted: str | None = None
        self._wished: frozenset[str] = frozenset()
        self._closing = False

    async def __aenter__(self) -> Self:
        keep_large_pieces_apart()
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._closing = True
        await self._end_shadow()
        for version in list(self._loaded):
            self._retire(version)
        if self._retiring:
            await asyncio.wait(self._retiring.values())

    def not_ready(self) -> list[str]:
        """Why no traffic should come; empty when it should."""
        if self._closing:
            return ["draining"]
        if self._serving is not None:
            trouble = self._serving.model.trouble()
            return [] if trouble is None else [trouble]
        refusal = self._refusals.get(self._wanted or "")
        return ["model_loading"] if refusal is None else [f"model_failed_to_load: {refusal.reason}"]

    def serves(self) -> str | None:
        """The version that answers now."""
        return None if self._serving is None else self._serving.version

    def at_work(self, version: str) -> Served:
        """A version that is loaded; raises `NoModel`."""
        if version not in self._loaded:
            raise NoModel
        return self._loaded[version].served

    def is_coming(self, version: str) -> bool:
        """Whether it is wished for, and neither loaded nor refused."""
        refused = version in self._refusals
        return version == self._loading or (version in self._wished and version not in self._loaded and not refused)

    def versions_at_work(self) -> list[str]:
        """All that are loaded."""
        return sorted(self._loaded)

    def standings(self) -> dict[str, Standing]:
        """Every version that is known or held, and how it stands."""
        versions = dict.fromkeys([*self._known, *self._loaded, *self._retiring, *self._refusals])
        return {version: self._standing(version) for version in versions}

    async def towards(self, desired: Desired) -> None:
        """One step from how things are to how they are wanted. What cannot be reached leaves what serves as it is."""
        self._known = await asyncio.to_thread(self._library.known)
        self._wished = frozenset(desired.wishes)
        if self._shadow is not None and desired.shadow != (self._shadow[0], self._shadow[1].share):
            await self._end_shadow()
        await self._serve(desired)
        for version, wish in desired.wishes.items():
            if wish.role != "serving":
                await self._load(version, wish.asked_at)
        if self._shadow is None and desired.shadow is not None and desired.shadow[0] in self._loaded:
            await self._begin_shadow(*desired.shadow)
        for version in self._loaded.keys() - desired.wishes.keys() - {self.serves()}:
            self._retire(version)
        held = {*self._known, *desired.wishes, self._wanted}
        self._refusals = {version: why for version, why in self._refusals.items() if version in held}
        self._tell()

    @property
    def _serving(self) -> Served | None:
        try:
            return self._engine.serving
        except NoModel:
            return None

    async def _serve(self, desired: Desired) -> None:
        """Put the wanted version in its place; at a start, when it is refused, another."""
        promoted = desired.of_role("serving")
        wish = None if promoted is None else desired.wishes[promoted]
        asked_at = None if wish is None else wish.asked_at
        wanted = await asyncio.to_thread(self._library.default) if promoted is None else promoted
        self._wanted = wanted
        loaded = await self._load_to_serve(wanted, asked_at)
        if loaded is None and self._serving is None and wish is not None:
            loaded = await self._load_instead(wish)
        if loaded is not None and loaded.served is not self._serving:
            before = self.serves()
            self._engine.serve(loaded.served)
            self._observer.swapped()
            log.info("model_serves", version=loaded.served.version, before=before)

    async def _load_instead(self, wish: Wish) -> Loaded | None:
        """What a process that starts serves in place of a version that is refused."""
        for version in (wish.previous, await asyncio.to_thread(self._library.default)):
            loaded = None if version is None else await self._load_to_serve(version, wish.asked_at)
            if loaded is not None:
                return loaded
        return None

    async def _load_to_serve(self, version: str, asked_at: datetime | None) -> Loaded | None:
        """As `_load`, and refused where it may be loaded but not serve."""
        known = self._known.get(version)
        if known is None or known.barred is None:
            return await self._load(version, asked_at)
        refusal = Refusal(known.barred, asked_at, known.signature)
        if self._refusals.get(version) != refusal:
            self._refuse(version, refusal, ModelRefused(known.barred))
        return None

    async def _load(self, version: str, asked_at: datetime | None) -> Loaded | None:
        """The version at work; None when it is refused, or when it has to end first before it can come back."""
        if version in self._loaded:
            return self._loaded[version]
        if version in self._retiring:
            return None
        known = self._known.get(version)
        signature = None if known is None else known.signature
        refusal = self._refusals.get(version)
        if refusal is not None and (refusal.asked_at, refusal.signature) == (asked_at, signature):
            return None
        self._loading = version
        self._tell()
        try:
            if known is None:
                raise ModelRefused(NOT_HERE)  # noqa: TRY301  told like every other reason
            loaded = await opened(known, self._library, self._observer.version, self._sizes)
        except Exception as error:  # noqa: BLE001  whatever a package makes of its loading is its refusal, said and counted
            self._refuse(version, Refusal(_reason(error), asked_at, signature), error)
            return None
        finally:
            self._loading = None
        self._refusals.pop(version, None)
        self._loaded[version] = loaded
        self._observer.loaded(version, loaded.load_s)
        return loaded

    def _refuse(self, version: str, refusal: Refusal, error: Exception) -> None:
        self._refusals[version] = refusal
        self._observer.refused(version)
        log.error("model_refused", version=version, reason=refusal.reason, exc_info=error)

    async def _begin_shadow(self, version: str, share: float) -> None:
        model = self._loaded[version].served.model
        batcher = self._sizes.shadow_batcher(model, self._observer.version(model.name, version))
        shadow = Shadow(batcher, self._observer.shadow(version), share=share)
        self._shadow = (version, await shadow.__aenter__())
        self._engine.mirror = shadow
        log.info("model_shadows", version=version, share=share)

    async def _end_shadow(self) -> None:
        self._engine.mirror = None
        if self._shadow is not None:
            (_, shadow), self._shadow = self._shadow, None
            await shadow.__aexit__(None, None, None)

    def _retire(self, version: str) -> None:
        self._retiring[version] = asyncio.create_task(self._drain(version, self._loaded.pop(version)))

    async def _drain(self, version: str, loaded: Loaded) -> None:
        await loaded.close()
        log.info("model_retired", version=version)
        del loaded  # the last that held the model
        await asyncio.to_thread(give_back)
        del self._retiring[version]
        self._tell()

    def _standing(self, version: str) -> Standing:
        if version in self._retiring:
            return Standing("retiring")
        if version == self._loading:
            return Standing("loading")
        if (loaded := self._loaded.get(version)) is not None:
            return Standing(self._work_of(version), load_s=loaded.load_s)
        known, refusal = self._known.get(version), self._refusals.get(version)
        if refusal is not None and (known is None or known.signature == refusal.signature):
            return Standing("refused", refusal.reason)
        if known is not None and known.refused is not None:
            return Standing("refused", known.refused)
        return Standing("available")

    def _work_of(self, version: str) -> State:
        if version == self.serves():
            return "serving"
        return "shadow" if self._shadow is not None and self._shadow[0] == version else "ready"

    def _tell(self) -> None:
        self._observer.stand({version: standing.state for version, standing in self.standings().items()})


def _reason(error: Exception) -> str:
    """What may be told to whoever asks: our own words, of anything else only the kind."""
    return str(error) if isinstance(error, ModelRefused) else type(error).__name__
