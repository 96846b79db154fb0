"""How alembic runs the migrations: over the connection that Database.migrate gives it, inside its transaction."""

from alembic import context

from grader.server.store.models import Base

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
with context.begin_transaction():
    context.run_migrations()
