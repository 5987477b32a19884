"""Long migrations, in steps that tell how far they are."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from alembic import context, op

Tell = Callable[[int, int], None]
"""Hears of progress: articles done, articles in all."""

_STEP = 2_000  # articles


def told() -> Tell:
    """Return who wants to hear of progress, as `open_database` was given it."""
    tell: Tell | None = context.config.attributes.get("tell")
    return tell or _nobody


def _nobody(_done: int, _total: int) -> None:
    """Hear nothing."""


def by_articles(statement: str) -> None:
    """Run a statement for the places `> :after AND <= :until` of the search index, stretch after stretch."""
    connection, tell = op.get_bind(), told()
    total = connection.scalar(sa.text("SELECT count(*) FROM search_docs")) or 0
    next_step = sa.text("SELECT place FROM search_docs WHERE place > :after ORDER BY place LIMIT 1 OFFSET :step")
    after, done = -_ALL, 0
    while done < total:
        tell(done, total)
        until = connection.scalar(next_step, {"after": after, "step": _STEP - 1})
        connection.execute(sa.text(statement), {"after": after, "until": _ALL if until is None else until})
        after, done = (_ALL if until is None else until), min(done + _STEP, total)
    tell(total, total)


_ALL = 2**63 - 1
