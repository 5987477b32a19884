"""The conditions that the newest judgement of any topic calls an article, or one of its story, relevant."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, func, select

from storage import tables as t

# Wrapped, the column is no match for its index: SQLite would walk through all relevant judgements for every article.
_RELEVANT = func.coalesce(t.assessments.c.relevant, False)

IS_RELEVANT = (
    select(t.assessments.c.id)
    .where(
        t.assessments.c.article_id == t.articles.c.id,
        t.assessments.c.revision == t.articles.c.revision,
        _RELEVANT,
    )
    .exists()
)

_other = t.articles.alias("of_the_story")

HAS_RELEVANT = (
    select(_other.c.id)
    .join(t.assessments, t.assessments.c.article_id == _other.c.id)
    .where(_other.c.story == t.articles.c.story, t.assessments.c.revision == _other.c.revision, _RELEVANT)
    .exists()
)


def newest_is_relevant(article_id: Any) -> ColumnElement[bool]:
    """Return the condition that the newest judgement of any topic calls the article of this number relevant."""
    judged = t.articles.join(t.assessments, t.assessments.c.article_id == t.articles.c.id)
    newest = (t.articles.c.id == article_id, t.assessments.c.revision == t.articles.c.revision, _RELEVANT)
    return select(t.assessments.c.id).select_from(judged).where(*newest).exists()
