"""The tables: what the migrations make is what the code speaks of, and no regular question reads all of them."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa

from multiwallet.errors import InputError
from multiwallet.store import Store, nonces
from multiwallet.store import outgoing as kept
from multiwallet.store.schema import metadata

LANE = "eip155:1:0x0000000000000000000000000000000000000001"


def test_migrations_make_the_tables_of_the_schema(store):
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    with store.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def intent(key):
    return kept.Intent(key, LANE, "eip155:1", {"path": None}, {}, "digest")


def test_a_store_of_the_first_version_is_migrated(tmp_path):
    path = tmp_path / "payments.db"
    with Store(path) as store:
        kept.claim(store, intent("order"), "worker")
        with store.write() as connection:
            connection.execute(sa.text("DROP INDEX nonce_leases_free"))
            connection.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
    with Store(path) as store:
        assert kept.find(store, "order") is not None
        with store.read() as connection:
            assert (
                connection.scalar(sa.text("SELECT count(*) FROM sqlite_master WHERE name = 'nonce_leases_free'")) == 1
            )


def test_regular_questions_use_an_index(tmp_path):
    with Store(tmp_path / "payments.db") as store:
        asked = []
        record = kept.claim(store, intent("order"), "worker").record
        record = kept.lease_nonce(store, record, "worker", included=0, pending=0)
        sa.event.listen(store._engine, "before_cursor_execute", lambda *words: asked.append((words[2], words[3])))
        kept.claim(store, intent("order"), "worker")
        kept.take_due(store, "other", limit=10)
        kept.holds_up_others(store, record)
        kept.reserved_coins(store, "eip155:1")
        nonces.free_below(store)
        nonces.fill(store, LANE, 0, "fill")
        plans = []
        with store.read() as connection:
            for statement, values in list(asked):
                if statement.startswith(("SELECT", "UPDATE")):
                    rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
                    plans += [row[3] for row in rows]
    assert len(plans) >= 8
    whole = [plan for plan in plans if plan.startswith("SCAN") and "nonce_leases_free" not in plan]
    assert whole == []


def test_threads_take_turns(store):
    """Many threads write at once: each write comes to its turn."""
    errors = []

    def work(number):
        try:
            for turn in range(5):
                kept.claim(store, intent(f"{number}-{turn}"), "worker")
        except Exception as error:  # told below
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert sum(kept.counts(store).values()) == 200


@pytest.mark.parametrize("lease", [0, -1, 0.5, True, "10", 10**6, float("nan")])
def test_a_lease_is_a_number_of_seconds(tmp_path, lease):
    with pytest.raises(InputError, match="lease"):
        Store(tmp_path / "payments.db", lease=lease)


def test_what_others_wait_for_can_be_taken_first(store):
    records = []
    for number in range(4):
        record = kept.claim(store, intent(f"order-{number}"), "worker").record
        record = kept.lease_nonce(store, record, "worker", included=0, pending=0)
        records.append(kept.move(store, record, "worker", due_in=-10.0 * number))
    (taken,) = kept.take_due(store, "other", limit=1, lowest_first=True)
    assert taken.nonce == 0
    (taken,) = kept.take_due(store, "other", limit=1)
    assert taken.nonce == 3  # the most overdue
