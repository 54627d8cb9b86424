"""Store: one database, opened, brought to today's version, and written to in short transactions."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path as FilePath
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from ..errors import InputError, MissingExtra, StoreError

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["Store"]

_PATIENCE: Final = 60  # seconds that a writer of SQLite waits for the one before it
_MIGRATION_LOCK: Final = 0x6D77_7374  # any number that every process of ours takes
_CONNECTIONS: Final = 16
LEASE: Final = 120.0
"""For how many seconds a worker has a payment to itself, where nothing else is said."""


class Store:
    """A database that holds payments, opened by the name of a file (SQLite) or a ``postgresql://`` URL.

    One process or several, on one machine or many, may have the same store open. SQLite serves the processes of
    one machine: it is kept in WAL mode and every commit is on the disk before it returns. Tables that are missing or
    of an older version are made or migrated. Threads may share a store; after a ``fork`` each process opens its own.

    ``lease`` is for how many seconds a worker has a payment to itself. One that is slower loses it and finds its next
    step refused, so a short lease costs work and never money; what a dead worker held is taken up after it.

    Raises :class:`~multiwallet.errors.StoreError` where the database cannot be opened or written, and
    :class:`~multiwallet.errors.MissingExtra` without the extra ``store`` (or ``postgres``).
    """

    def __init__(self, url: str | os.PathLike[str], *, lease: float = LEASE) -> None:
        if isinstance(lease, bool) or not isinstance(lease, int | float) or not 1 <= lease <= 86_400:
            raise InputError("a lease is a number of seconds, from 1 to 86400")
        self.lease = float(lease)
        try:
            import sqlalchemy as sa
        except ModuleNotFoundError as error:
            raise MissingExtra("a store needs sqlalchemy, which is not installed", extra="store") from error

        self._sa = sa
        self._turn = threading.Lock()
        self.clock = time.time
        address = _address(sa, url)
        self.is_sqlite = address.get_backend_name() == "sqlite"
        self.name = FilePath(address.database or "").name if self.is_sqlite else address.render_as_string()
        """What messages call it: the file's name, or the URL without its password."""
        try:
            self._engine = self._sqlite(address) if self.is_sqlite else self._postgresql(address)
            self._migrate()
        except ModuleNotFoundError as error:
            raise MissingExtra(
                f"this store needs the package {error.name!r}, which is not installed",
                extra="store" if self.is_sqlite else "postgres",
            ) from error

    def _sqlite(self, address: sa.URL) -> sa.Engine:
        import sqlalchemy as sa

        if address.database in (None, "", ":memory:"):
            raise InputError("a store is kept in a file: name one, such as payments.db")
        engine = sa.create_engine(
            address,
            pool_size=_CONNECTIONS,
            max_overflow=_CONNECTIONS,
            pool_timeout=_PATIENCE,
            connect_args={"timeout": _PATIENCE, "check_same_thread": False},
        )

        def connected(connection: Any, _: Any) -> None:
            connection.isolation_level = None  # transactions are begun below, not by the driver
            cursor = connection.cursor()
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
                cursor.execute(f"PRAGMA {pragma}")
            cursor.close()

        def begun(connection: Any) -> None:
            # A reader that turns into a writer midway would be refused: writers say so from the start.
            reads = connection.get_execution_options().get("multiwallet_reads", False)
            connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

        sa.event.listen(engine, "connect", connected)
        sa.event.listen(engine, "begin", begun)
        return engine

    def _postgresql(self, address: sa.URL) -> sa.Engine:
        import sqlalchemy as sa

        return sa.create_engine(
            address,
            pool_size=_CONNECTIONS,  # and no more: a server has a hundred for all processes together
            max_overflow=0,
            pool_timeout=_PATIENCE,
            pool_pre_ping=True,
            isolation_level="READ COMMITTED",
            connect_args={"connect_timeout": 10},
        )

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction that is committed at the end, or undone as a whole. On SQLite there is one at a time."""
        # Waiting for SQLite's own lock is trying again and again: this process's threads take turns before it.
        with self._turn if self.is_sqlite else nullcontext(), self._errors("write to"), self._engine.begin() as one:
            yield one

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that changes nothing."""
        with (
            self._errors("read"),
            self._engine.connect().execution_options(multiwallet_reads=True) as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def _errors(self, action: str) -> Iterator[None]:
        try:
            yield
        except self._sa.exc.SQLAlchemyError as error:
            raise StoreError(f"cannot {action} the store {self.name}: {_reason(error)}") from None

    def _migrate(self) -> None:
        from alembic import command
        from alembic.config import Config
        from alembic.runtime.migration import MigrationContext
        from alembic.script import ScriptDirectory

        config = Config()
        config.set_main_option("script_location", "multiwallet:store/migrations")
        script = ScriptDirectory.from_config(config)
        newest = script.get_current_head()
        with self._errors("open"), self._engine.connect().execution_options(multiwallet_reads=True) as connection:
            current = MigrationContext.configure(connection).get_current_revision()
        if current == newest:
            return
        with self.write() as connection:
            if not self.is_sqlite:  # one process makes the tables, the others wait for it
                connection.execute(self._sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
            current = MigrationContext.configure(connection).get_current_revision()
            if current is not None and current not in {step.revision for step in script.walk_revisions()}:
                raise StoreError(
                    f"the store {self.name} was written by a newer version of multiwallet: update this one"
                )
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def close(self) -> None:
        """Close the connections. What was committed stays."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Store {self.name}>"


def _address(sa: Any, url: str | os.PathLike[str]) -> Any:
    text = os.fspath(url)
    if not isinstance(text, str) or not text:
        raise InputError("a store is the name of a file, or a URL that starts with postgresql://")
    if "://" not in text:
        return sa.URL.create("sqlite", database=os.path.abspath(text))
    try:
        address = sa.engine.make_url(text)
    except sa.exc.ArgumentError:
        raise InputError("this is no URL of a database: write postgresql://user@host/name, or a file's name") from None
    backend = address.get_backend_name()
    if backend == "postgresql" or backend == "postgres":
        return address.set(drivername="postgresql+psycopg")
    if backend == "sqlite":
        return address
    raise InputError("a store is kept in SQLite or PostgreSQL: a file's name, or a URL that starts with postgresql://")


def _reason(error: Any) -> str:
    """The database's own words in one line. SQLAlchemy's text would hold the statement and its values."""
    original = getattr(error, "orig", None)
    words = str(original) if original is not None else type(error).__name__
    line = " ".join(words.split())[:200]
    return f"{line} (what was committed before is kept; try again once the database is well)"
