"""The tables. Every change of them is a step in ``migrations/``."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

__all__ = ["attempts", "batch_lines", "batches", "coin_reservations", "lanes", "metadata", "nonce_leases", "outgoing"]

metadata: Final = sa.MetaData()

# SQLite counts only an INTEGER primary key by itself.
_Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")

lanes: Final = sa.Table(
    "lanes",
    metadata,
    sa.Column("lane", sa.Text, primary_key=True),
    sa.Column("next_nonce", sa.BigInteger, nullable=True),
)
"""One row for each account: what is locked while a nonce is chosen."""

outgoing: Final = sa.Table(
    "outgoing",
    metadata,
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("lane", sa.Text, nullable=False),
    sa.Column("network", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("request", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("nonce", sa.BigInteger, nullable=True),
    sa.Column("error", sa.Text, nullable=True),
    sa.Column("receipt", sa.Text, nullable=True),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("updated_at", sa.Double, nullable=False),
    sa.Column("due_at", sa.Double, nullable=True),
    sa.Column("worker", sa.Text, nullable=True),
    sa.Column("leased_until", sa.Double, nullable=False, server_default="0"),
    sa.Column("cancelling", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index("outgoing_due", "due_at"),
    sa.Index("outgoing_lane", "lane", "state"),
)
"""One row for each payment. ``worker`` and ``leased_until`` say who works on it, ``due_at`` when to look again."""

attempts: Final = sa.Table(
    "attempts",
    metadata,
    sa.Column("outgoing_id", _Id, sa.ForeignKey("outgoing.id"), primary_key=True),
    sa.Column("generation", sa.Integer, primary_key=True),
    sa.Column("txid", sa.Text, nullable=False),
    sa.Column("raw", sa.LargeBinary, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("expiry", sa.BigInteger, nullable=True),
    sa.Column("nonce", sa.BigInteger, nullable=True),
    sa.Column("coins", sa.Text, nullable=False),
    sa.Column("unsigned", sa.Text, nullable=True),
    sa.Column("broadcasts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("refused", sa.Text, nullable=True),
    sa.Column("dead", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("sent_at", sa.Double, nullable=True),
    sa.Index("attempts_txid", "txid"),
)
"""Every signed transaction of a payment; what is signed is never deleted."""

nonce_leases: Final = sa.Table(
    "nonce_leases",
    metadata,
    sa.Column("lane", sa.Text, primary_key=True),
    sa.Column("nonce", sa.BigInteger, primary_key=True),
    sa.Column("outgoing_id", _Id, sa.ForeignKey("outgoing.id"), nullable=True),
    # Few are free, and every round of a reconciler asks for them.
    sa.Index(
        "nonce_leases_free",
        "lane",
        "nonce",
        sqlite_where=sa.text("outgoing_id IS NULL"),
        postgresql_where=sa.text("outgoing_id IS NULL"),
    ),
)
"""Which payment has which nonce of an account. Without a payment it is free: given back before anything was signed."""

coin_reservations: Final = sa.Table(
    "coin_reservations",
    metadata,
    sa.Column("network", sa.Text, primary_key=True),
    sa.Column("coin", sa.Text, primary_key=True),
    sa.Column("outgoing_id", _Id, sa.ForeignKey("outgoing.id"), nullable=False),
    sa.Index("coin_reservations_outgoing", "outgoing_id"),
)
"""Which payment spends which coin."""

batches: Final = sa.Table(
    "batches",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("header", sa.Text, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
)

batch_lines: Final = sa.Table(
    "batch_lines",
    metadata,
    sa.Column("batch_id", sa.Text, sa.ForeignKey("batches.id"), primary_key=True),
    sa.Column("line", sa.BigInteger, primary_key=True),
    sa.Column("outgoing_id", _Id, sa.ForeignKey("outgoing.id"), nullable=False),
    sa.Index("batch_lines_outgoing", "outgoing_id"),
)
"""Which payment pays which line. Lines that are paid together share one."""
