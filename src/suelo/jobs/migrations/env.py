"""Runs migrations on the connection that `suelo.jobs.database.migrate` opened."""

from alembic import context

from suelo.jobs.tables import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
