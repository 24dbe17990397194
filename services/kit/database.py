"""PostgreSQL through SQLAlchemy Core on asyncpg: one engine a process, migrations by Alembic."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, cast

import asyncpg
import orjson
from sqlalchemy import MetaData, event, exc, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from services.kit.errors import Unavailable

UNREACHABLE = "database unreachable"
CONNECT_TIMEOUT_S = 2.0
POOL_TIMEOUT_S = 2.0
STATEMENT_S = 60.0
"""The longest that a statement may take. A connection that fell silent on the way, as at a failover, is given up then; TCP would
take a quarter of an hour, or for ever.
"""

_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
)
"""What a server says that still starts, already ends, is full (of connections, or its disk) or became a standby, beside what is said
of it when it is not there.
"""

_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (asyncpg.DiskFullError, "The disk of the database is full."),
    (asyncpg.ReadOnlySQLTransactionError, "The database takes no changes: it is a standby."),
    (asyncpg.TooManyConnectionsError, "The database has no connection left."),
    (exc.TimeoutError, "All connections to the database are in use."),
)
"""What is told instead of that the database cannot be reached, where that would send people to look for a cut line."""

_LOST = (ConnectionError, exc.InterfaceError, exc.OperationalError, exc.TimeoutError, *_AWAY)


def new_metadata() -> MetaData:
    """Table metadata with names that Alembic can refer to."""
    return MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Database:
    """A service's own database. A lost or full database is a 503, never a hang."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine

    @classmethod
    def open(cls, url: str, *, pool_size: int = 10, statement_s: float = STATEMENT_S) -> "Database":
        """Connects on first use. Close it with `close()`."""
        engine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=POOL_TIMEOUT_S,
            connect_args={
                "timeout": CONNECT_TIMEOUT_S,
                "command_timeout": statement_s,
                "server_settings": {"jit": "off", "application_name": "kuajie"},
            },
            json_serializer=lambda value: orjson.dumps(value).decode(),
            json_deserializer=orjson.loads,
            hide_parameters=True,  # they are texts and names of people, and errors are logged
        )
        event.listen(engine.sync_engine, "handle_error", _silent)
        return cls(engine)

    async def close(self) -> None:
        await self.engine.dispose()

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection]:
        """A connection for reading; what it changed is rolled back."""
        async with _opened(self.engine.connect()) as connection:
            yield connection

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: committed when the block ends, rolled back when it raises."""
        async with _opened(self.engine.begin()) as connection:
            yield connection

    async def ready(self, migrations: Path) -> list[str]:
        """Reasons why this database cannot serve: unreachable, or behind the migrations of this build."""
        try:
            async with self.connect() as connection:
                found = await connection.scalar(text("SELECT max(version_num) FROM alembic_version"))
        except Unavailable:
            return [UNREACHABLE]
        except exc.ProgrammingError:
            found = None
        head = head_revision(migrations)
        return [] if found is not None and found >= head else [f"database at revision {found}, this build needs {head}"]


def _silent(context: ExceptionContext) -> Exception | None:
    """A statement that took too long leaves a connection on which the driver would wait for the end of it."""
    if not isinstance(context.original_exception, TimeoutError):
        return None
    context.is_disconnect = True
    return ConnectionError("the database did not answer")


@asynccontextmanager
async def _opened(opening: AbstractAsyncContextManager[AsyncConnection]) -> AsyncIterator[AsyncConnection]:
    with _told(*_LOST):
        async with AsyncExitStack() as stack:
            with _told(OSError):  # Here only: inside the block an OSError, or a time-out, is of the block's own making.
                connection = await stack.enter_async_context(opening)
            yield connection


@contextmanager
def _told(*losses: type[Exception]) -> Iterator[None]:
    caught: tuple[type[Exception], ...] = (*losses, exc.DBAPIError)
    try:
        yield
    except caught as error:
        if isinstance(error, losses) or _is_lost(error):
            raise Unavailable(_reason(error)) from error
        raise


def _is_lost(error: Exception) -> bool:
    """How a cut connection shows depends on when it was cut; that the pool was invalidated tells it surely, and so does what the
    server said."""
    return getattr(error, "connection_invalidated", False) or isinstance(_said(error), _AWAY)


def _reason(error: Exception) -> str:
    found = (reason for kind, reason in _REASONS if isinstance(_said(error) or error, kind))
    return next(found, "The database cannot be reached.")


def _said(error: Exception) -> BaseException | None:
    """What the server said, inside of SQLAlchemy's one class for all that it does not know."""
    return getattr(getattr(error, "orig", None), "__cause__", None)


async def driver(connection: AsyncConnection) -> "asyncpg.Connection[Any]":
    """The asyncpg connection underneath, inside the same transaction: for COPY and bulk `unnest`."""
    raw = await connection.get_raw_connection()
    if not connection.in_transaction():
        raise RuntimeError("driver() needs a transaction that has begun")
    await connection.execute(text("SELECT 1"))  # SQLAlchemy begins on the wire with the first statement only.
    return cast("asyncpg.Connection[Any]", raw.driver_connection)


def head_revision(migrations: Path) -> str:
    """The newest revision: files are named `<revision>_<what>.py` and revisions sort."""
    return max(path.stem.split("_", 1)[0] for path in (migrations / "versions").glob("[0-9]*.py"))


def migrate(url: str, migrations: Path) -> bool:
    """Bring a database to the newest revision; safe to run from several places at once. True when something was run."""
    if asyncio.run(_revision(url)) == head_revision(migrations):
        return False
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations))
    config.attributes["url"] = url
    command.upgrade(config, "head")
    return True


async def _revision(url: str) -> str | None:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""), timeout=10)
    try:
        return cast("str | None", await connection.fetchval("SELECT max(version_num) FROM alembic_version"))
    except asyncpg.UndefinedTableError:
        return None
    finally:
        await connection.close()
