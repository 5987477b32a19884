"""What readers say of stored articles: one verdict for each article and topic, the last one counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, delete, select

from storage import tables as t
from storage.database import Database
from storage.upsert import insert_into
from tripoint.domain.types import Feedback


class FeedbackStore:
    """The verdicts of readers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, article_id: int, topic: str, *, relevant: bool, note: str, at: datetime) -> bool:
        """Write a verdict on the newest revision of an article; returns whether there is such an article."""
        with self._database.write() as connection:
            revision = connection.scalar(select(t.articles.c.revision).where(t.articles.c.id == article_id))
            if revision is None:
                return False
            said = {"revision": revision, "relevant": relevant, "note": note, "at": at}
            statement = insert_into(connection, t.feedback).values(article_id=article_id, topic=topic, **said)
            connection.execute(statement.on_conflict_do_update(index_elements=["article_id", "topic"], set_=said))
        return True

    def forget(self, article_id: int, topic: str) -> bool:
        """Take a verdict back; returns whether there was one."""
        mine = and_(t.feedback.c.article_id == article_id, t.feedback.c.topic == topic)
        with self._database.write() as connection:
            return connection.execute(delete(t.feedback).where(mine)).rowcount > 0

    def of_article(self, article_id: int) -> dict[str, bool]:
        """Return what was said of one article, by topic."""
        query = select(t.feedback.c.topic, t.feedback.c.relevant).where(t.feedback.c.article_id == article_id)
        with self._database.read() as connection:
            return {row.topic: row.relevant for row in connection.execute(query)}

    def everything(self) -> Sequence[Feedback]:
        """Return every verdict with the text that was judged, in the order of the articles."""
        judged = and_(
            t.revisions.c.article_id == t.feedback.c.article_id, t.revisions.c.number == t.feedback.c.revision
        )
        query = (
            select(t.feedback, t.revisions.c.title, t.revisions.c.text, t.articles.c.language)
            .join(t.revisions, judged)
            .join(t.articles, t.articles.c.id == t.feedback.c.article_id)
            .order_by(t.feedback.c.article_id, t.feedback.c.topic)
        )
        with self._database.read() as connection:
            return [
                Feedback(row.article_id, row.topic, row.relevant, row.note, row.at, row.title, row.text, row.language)
                for row in connection.execute(query)
            ]
