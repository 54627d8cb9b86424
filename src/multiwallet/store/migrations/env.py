"""What alembic runs: the steps, over the connection that the store hands it."""

from __future__ import annotations

from alembic import context

from multiwallet.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
