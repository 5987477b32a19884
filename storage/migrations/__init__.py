"""The steps by which the tables came to be; Alembic runs them, `open_database` calls it."""
