"""Payments, their signed transactions, nonce leases, coin reservations and batches."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "lanes",
        sa.Column("lane", sa.Text, primary_key=True),
        sa.Column("next_nonce", sa.BigInteger, nullable=True),
    )
    op.create_table(
        "outgoing",
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
    )
    op.create_index("outgoing_due", "outgoing", ["due_at"])
    op.create_index("outgoing_lane", "outgoing", ["lane", "state"])
    op.create_table(
        "attempts",
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
    )
    op.create_index("attempts_txid", "attempts", ["txid"])
    op.create_table(
        "nonce_leases",
        sa.Column("lane", sa.Text, primary_key=True),
        sa.Column("nonce", sa.BigInteger, primary_key=True),
        sa.Column("outgoing_id", _Id, sa.ForeignKey("outgoing.id"), nullable=True),
    )
    op.create_table(
        "coin_reservations",
        sa.Column("network", sa.Text, primary_key=True),
        sa.Column("coin", sa.Text, primary_key=True),
        sa.Column("outgoing_id", _Id, sa.ForeignKey("outgoing.id"), nullable=False),
    )
    op.create_index("coin_reservations_outgoing", "coin_reservations", ["outgoing_id"])
    op.create_table(
        "batches",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("header", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
    )
    op.create_table(
        "batch_lines",
        sa.Column("batch_id", sa.Text, sa.ForeignKey("batches.id"), primary_key=True),
        sa.Column("line", sa.BigInteger, primary_key=True),
        sa.Column("outgoing_id", _Id, sa.ForeignKey("outgoing.id"), nullable=False),
    )
    op.create_index("batch_lines_outgoing", "batch_lines", ["outgoing_id"])


def downgrade() -> None:
    for table in ("batch_lines", "batches", "coin_reservations", "nonce_leases", "attempts", "outgoing", "lanes"):
        op.drop_table(table)
