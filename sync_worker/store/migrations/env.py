"""Alembic's entry: runs on the connection and inside the transaction that `migrate` opened. No other way in, so no alembic.ini."""

from alembic import context

from sync_worker.store.operate.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
