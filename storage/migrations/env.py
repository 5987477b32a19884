"""Run the migrations on the connection that `open_database` hands over, inside its transaction."""

from __future__ import annotations

from alembic import context

from storage.search_index import is_compared
from storage.tables import metadata


def _run() -> None:
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        render_as_batch=True,
        include_name=is_compared,
        transactional_ddl=True,
    )
    context.run_migrations()


_run()
