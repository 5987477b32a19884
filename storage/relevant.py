"""The condition that the newest judgement of any topic calls an article relevant."""

from __future__ import annotations

from sqlalchemy import select

from storage import tables as t

IS_RELEVANT = (
    select(t.assessments.c.id)
    .where(
        t.assessments.c.article_id == t.articles.c.id,
        t.assessments.c.revision == t.articles.c.revision,
        t.assessments.c.relevant,
    )
    .exists()
)
