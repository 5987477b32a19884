"""That a person's template broke, or works again, is told once: what was told already stands in the outbox."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, select

from storage import tables as t
from storage.database import Database
from storage.queue import queue_alerts
from tripoint.domain.templates import TemplateState
from tripoint.domain.types import UPDATE, Alert

_BEGIN = "template:"

Tell = Callable[[TemplateState, str], Sequence[Alert]]
"""The alerts about a template, broken or not, on the story of that name; pure."""


class TemplateStore:
    """What was told of templates."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, states: Sequence[TemplateState], tell: Tell) -> int:
        """Queue what is to be told of templates as they are now, and return how many alerts that made.

        One that is broken is told once until it works, whatever other mistakes are made meanwhile. It counts as
        working once its file is another one, or gone: a mistake may show only with some alerts.
        """
        with self._database.read() as connection:
            told = _told(connection)
        changed = [(each, story) for each in states if (story := _news(each, told))]
        if not changed:
            return 0
        with self._database.write() as connection:
            return sum(queue_alerts(connection, tell(state, story)).number for state, story in changed)


def _told(connection: Connection) -> dict[str, set[str]]:
    """Return the kinds of alerts by their story, of which there is one each time that a template broke."""
    c = t.alerts.c
    query = select(c.story, c.kind).where(c.story >= _BEGIN, c.story < f"{_BEGIN[:-1]};").distinct()
    stories: dict[str, set[str]] = {}
    for row in connection.execute(query):
        stories.setdefault(row.story, set()).add(row.kind)
    return stories


def _news(state: TemplateState, told: dict[str, set[str]]) -> str:
    """Return the story on which something is to be told, "" for nothing."""
    mine = {story: kinds for story, kinds in told.items() if story.startswith(f"{_BEGIN}{state.name}:")}
    broken = [story for story, kinds in mine.items() if not any(each.startswith(UPDATE) for each in kinds)]
    if not broken:
        return f"{_BEGIN}{state.name}:{len(mine) + 1}" if state.problem else ""
    is_another = state.kind not in mine[broken[0]]
    return broken[0] if is_another and not state.problem else ""
