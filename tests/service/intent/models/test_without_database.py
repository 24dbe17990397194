"""Serving and administration while the database is away or its connection fell silent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.engine import make_url

from services.intent import model_store
from services.intent.app import create_app
from services.kit.database import Database
from services.kit.settings import SharedSettings
from tests.service.intent.conftest import Headers, MakeSettings, OpenClient, until_ready
from tests.service.intent.models.operating import KEYWORD, ask, operator, said_by, until

DEAD = "postgresql+asyncpg://nobody:x@127.0.0.1:1/none"


async def test_without_a_database_what_serves_goes_on_and_administration_says_so(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings, shelf: Path
) -> None:
    async with app_client(create_app(make_settings(database_url=DEAD))) as client:
        client.headers.update(operator(internal_headers))
        await until_ready(client)
        assert await said_by(client) == ("human.agent", KEYWORD)
        for answer in (await client.get("/v1/models"), await ask(client, "a", "promote")):
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


@dataclass
class Wire:
    """What lies between a process and its database; connections on it can fall silent, as behind a firewall that forgot them."""

    silent: set[asyncio.Task[None]] = field(default_factory=set)
    open: set[asyncio.Task[None]] = field(default_factory=set)

    def fall_silent(self) -> None:
        """Nothing comes through any more on the connections that are there, and neither end is told."""
        self.silent |= self.open

    async def carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        me = asyncio.current_task()
        assert me is not None
        self.open.add(me)
        try:
            while data := await source.read(65_536):
                if me not in self.silent:
                    target.write(data)
        except ConnectionError:
            pass
        finally:
            self.open.discard(me)
            target.close()


@asynccontextmanager
async def wired(database_url: str) -> AsyncIterator[tuple[Wire, str]]:
    """The wire, and the database's URL at its near end."""
    url, wire = make_url(database_url), Wire()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(url.host, url.port)
        async with asyncio.TaskGroup() as both:
            both.create_task(wire.carry(reader, far_writer))
            both.create_task(wire.carry(far_reader, writer))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    near = url.set(host="127.0.0.1", port=server.sockets[0].getsockname()[1])
    yield wire, near.render_as_string(hide_password=False)
    server.close()


async def test_a_wish_is_heard_though_the_connection_to_the_database_fell_silent(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings, shelf: Path
) -> None:
    direct = make_settings().database_url.get_secret_value()
    db = Database.open(direct)
    async with wired(direct) as (wire, near), app_client(create_app(make_settings(database_url=near))) as client:
        client.headers.update(operator(internal_headers))
        await until_ready(client)
        wire.fall_silent()
        async with db.begin() as connection:
            now = datetime.now(UTC)
            await model_store.change(connection, lambda wanted, _: wanted.promoted("a", now, "ops", serving=KEYWORD))
        async with asyncio.timeout(60):
            while (await said_by(client))[1] != "a":
                await asyncio.sleep(0.05)
    await db.close()


async def test_over_a_connection_that_fell_silent_models_are_a_503_and_then_answer_again(
    app_client: OpenClient, internal_headers: Headers, make_settings: MakeSettings, shelf: Path
) -> None:
    direct = make_settings().database_url.get_secret_value()
    async with (
        wired(direct) as (wire, near),
        app_client(create_app(make_settings(database_url=near, roles=["api"]))) as client,
    ):
        client.headers.update(operator(internal_headers))
        await until(client, "a", state="available")
        wire.fall_silent()
        assert (await client.get("/v1/models")).status_code == 503
        async with asyncio.timeout(60):
            while (await client.get("/v1/models")).status_code != 200:
                await asyncio.sleep(0.05)


async def test_a_volume_that_cannot_be_read_keeps_no_process_from_serving(
    app_client: OpenClient, make_settings: MakeSettings, shared_settings: SharedSettings, tmp_path: Path
) -> None:
    unreadable = tmp_path / ("x" * 300)  # no file system takes such a name
    settings = make_settings(shared=shared_settings.model_copy(update={"artifacts_dir": unreadable}))
    async with app_client(create_app(settings)) as client:
        await until_ready(client)
