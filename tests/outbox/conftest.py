"""Stores to test on: a file of SQLite, and a database of a real PostgreSQL."""

from __future__ import annotations

import pytest

from multiwallet.store import Store

WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"


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
