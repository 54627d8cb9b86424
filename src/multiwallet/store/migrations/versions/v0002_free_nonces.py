"""An index of the nonces that are free."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_FREE = sa.text("outgoing_id IS NULL")


def upgrade() -> None:
    op.create_index("nonce_leases_free", "nonce_leases", ["lane", "nonce"], sqlite_where=_FREE, postgresql_where=_FREE)


def downgrade() -> None:
    op.drop_index("nonce_leases_free", "nonce_leases")
