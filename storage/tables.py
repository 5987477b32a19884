"""The tables. Every time is aware and in UTC; text is cleaned of what a database refuses."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy import Column as C  # noqa: N817 - a column a line reads as a table

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time, stored in UTC; a naive one is a mistake of ours and is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the time in UTC; SQLite stores it without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive time {value.isoformat()}: every stored time needs a zone")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the time as aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class CleanText(TypeDecorator[str]):
    """Text without NUL, which PostgreSQL refuses, and without lone surrogates, which UTF-8 cannot carry."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Return the text with U+FFFD for what cannot be stored, so that offsets still hold."""
        return None if value is None else clean(value)


def clean(text: str) -> str:
    """Replace NUL and lone surrogates by U+FFFD, one for one."""
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        text = "".join("\ufffd" if "\ud800" <= each <= "\udfff" else each for each in text)
    return text


listings = Table(
    "listings",
    metadata,
    C("url", CleanText, primary_key=True),
    C("source", String(100), nullable=False, index=True),
    C("kind", String(20), nullable=False),
    C("etag", CleanText, nullable=False, default=""),
    C("last_modified", CleanText, nullable=False, default=""),
    C("polled_at", UtcDateTime, nullable=False),
    C("status", String(20), nullable=False),
    C("listed", Integer, nullable=False),
    C("error", CleanText, nullable=False, default=""),
    C("failures_in_a_row", Integer, nullable=False, default=0),
    C("interval_s", Float),  # see tripoint.domain.cadence
    C("rate", Float),
    C("due_at", UtcDateTime),
    C("held_until", UtcDateTime),  # what the server asked for; no hurry undercuts it
    C("last_answer_at", UtcDateTime),
    C("last_new_at", UtcDateTime),
)

hosts = Table(
    "hosts",
    metadata,
    C("host", String(255), primary_key=True),
    C("held_until", UtcDateTime, nullable=False),
    C("reason", CleanText, nullable=False),
)

frontier = Table(
    "frontier",
    metadata,
    C("id", Integer, primary_key=True),
    C("url", CleanText, nullable=False, unique=True),
    C("source", String(100), nullable=False),
    C("found_by", String(20), nullable=False),
    C("found_at", UtcDateTime, nullable=False),
    C("title", CleanText, nullable=False),
    C("published", UtcDateTime),
    C("summary", CleanText, nullable=False),
    # pending, done, again (done, to be looked at again), pruned (done, its article is forgotten), not_article, failed,
    # quarantined (it ends whoever reads it)
    C("state", String(20), nullable=False),
    C("attempts", Integer, nullable=False, default=0),
    C("due_at", UtcDateTime, nullable=False),
    C("finished_at", UtcDateTime),
    C("reason", CleanText, nullable=False, default=""),
    C("poisoned", Integer, nullable=False, default=0, server_default="0"),  # how often it killed or hung its reader
    Index("ix_frontier_source_state_due_at", "source", "state", "due_at"),
    Index("ix_frontier_source_finished_at", "source", "finished_at"),
)

coverage = Table(
    "coverage",
    metadata,
    C("id", Integer, primary_key=True),
    C("url", CleanText, nullable=False),  # of the listing
    C("source", String(100), nullable=False),
    C("start", UtcDateTime, nullable=False),
    C("until", UtcDateTime, nullable=False),
    C("is_seen", Boolean, nullable=False),
    C("reason", CleanText, nullable=False),
    C("repair_tries", Integer, nullable=False, default=0, server_default="0"),
    C("repair_at", UtcDateTime),  # not tried again before
    Index("ix_coverage_url_until", "url", "until"),
    Index("ix_coverage_source_until", "source", "until"),
)

source_health = Table(
    "source_health",
    metadata,
    C("source", String(100), primary_key=True),
    C("state", String(20), nullable=False),
    C("since", UtcDateTime, nullable=False),
    C("reason", CleanText, nullable=False),
    C("ever_worked", Boolean, nullable=False),
    C("told", Boolean, nullable=False),
)

topic_rhythms = Table(
    "topic_rhythms",
    metadata,
    C("topic", String(100), primary_key=True),
    C("state", String(20), nullable=False),  # see `tripoint.domain.rhythm.Rhythm`
    C("since", UtcDateTime, nullable=False),
)

articles = Table(
    "articles",
    metadata,
    C("id", Integer, primary_key=True),
    C("story", String(64), nullable=False, index=True),
    C("canonical_url", CleanText, nullable=False, unique=True),
    C("url", CleanText, nullable=False),
    C("source", String(100), nullable=False, index=True),
    C("outlet", CleanText, nullable=False),
    C("language", String(8), nullable=False),
    C("title", CleanText, nullable=False),
    C("text", CleanText, nullable=False),
    C("published", UtcDateTime, index=True),
    C("date_only", Boolean, nullable=False),
    C("authors", JSON, nullable=False),
    C("content_hash", String(64), nullable=False, index=True),
    C("fetched_at", UtcDateTime, nullable=False),
    C("first_seen_at", UtcDateTime, nullable=False, index=True),
    C("revision", Integer, nullable=False),
    C("placement", String(20), nullable=False, default="new"),  # what it is to its story
    C("what_is_new", CleanText, nullable=False, default=""),
    C("copy_of", Integer),  # id of the article whose text it is
    C("is_material", Boolean, nullable=False, default=False),
    C("because", CleanText, nullable=False, default=""),
    C("wire", String(60), nullable=False, default=""),  # the agency whose words it prints
    C("wire_country", String(2), nullable=False, default=""),
    C("wire_how", String(10), nullable=False, default=""),
)

signatures = Table(
    "signatures",
    metadata,
    C("article_id", ForeignKey("articles.id", ondelete="CASCADE"), primary_key=True),
    C("at", UtcDateTime, nullable=False, index=True),
    C("bags", JSON, nullable=False),  # see `tripoint.stories.signature`
)

story_corrections = Table(
    "story_corrections",
    metadata,
    C("id", Integer, primary_key=True),
    C("batch", Integer, nullable=False, index=True),  # what one command moved
    C("at", UtcDateTime, nullable=False),
    C("action", String(10), nullable=False),  # merge, split
    C("article_id", ForeignKey("articles.id", ondelete="CASCADE"), nullable=False),
    C("was", String(64), nullable=False),
    C("becomes", String(64), nullable=False),
    C("undone_at", UtcDateTime),
)

fingerprints = Table(
    "fingerprints",
    metadata,
    C("key", BigInteger, primary_key=True),
    C("article_id", ForeignKey("articles.id", ondelete="CASCADE"), primary_key=True, index=True),
    sqlite_with_rowid=False,  # the primary key is the table: half the pages
)

revisions = Table(
    "revisions",
    metadata,
    C("article_id", ForeignKey("articles.id", ondelete="CASCADE"), primary_key=True),
    C("number", Integer, primary_key=True),
    C("title", CleanText, nullable=False),
    C("text", CleanText, nullable=False),
    C("content_hash", String(64), nullable=False),
    C("fetched_at", UtcDateTime, nullable=False),
)

assessments = Table(
    "assessments",
    metadata,
    C("id", Integer, primary_key=True),
    C("article_id", ForeignKey("articles.id", ondelete="CASCADE"), nullable=False),
    C("revision", Integer, nullable=False),
    C("topic", String(100), nullable=False),
    C("topic_version", String(64), nullable=False),
    C("score", Float, nullable=False),
    C("threshold", Float, nullable=False),
    C("relevant", Boolean, nullable=False, index=True),
    C("facets", JSON, nullable=False),
    C("shares", JSON, nullable=False),
    C("note", CleanText, nullable=False),
    UniqueConstraint("article_id", "topic", "revision"),
)

hits = Table(
    "hits",
    metadata,
    C("assessment_id", ForeignKey("assessments.id", ondelete="CASCADE"), primary_key=True),
    C("position", Integer, primary_key=True),
    C("concept", String(100), nullable=False, index=True),
    C("facet", String(40), nullable=False),
    C("zone", String(10), nullable=False),
    C("surface", CleanText, nullable=False),
    C("start", Integer, nullable=False),
    C("end", Integer, nullable=False),
    C("sentence", Integer, nullable=False),
)

evidence = Table(
    "evidence",
    metadata,
    C("article_id", ForeignKey("articles.id", ondelete="CASCADE"), primary_key=True),
    C("revision", Integer, primary_key=True),
    C("url", CleanText, nullable=False),  # that answered
    C("status", Integer, nullable=False),
    C("headers", JSON, nullable=False),
    C("body", LargeBinary, nullable=False),  # gzip
    C("sha256", String(64), nullable=False),  # of the body as it was read
    C("size", Integer, nullable=False),
    C("fetched_at", UtcDateTime, nullable=False, index=True),
)

# What is searched: a row an article, in the order of their time. Beside it stands `search_words`, which only migration
# 0009 and `storage.search_index` know: FTS5 on SQLite, a tsvector on PostgreSQL.
search_docs = Table(
    "search_docs",
    metadata,
    C("place", BigInteger, primary_key=True, autoincrement=False),  # see `tripoint.domain.searchwords.place_of`
    C("article_id", ForeignKey("articles.id", ondelete="CASCADE"), nullable=False, unique=True),
    C("score", Float, nullable=False),  # the highest of the newest judgements, 0 without one
)

feedback = Table(
    "feedback",
    metadata,
    C("article_id", ForeignKey("articles.id", ondelete="CASCADE"), primary_key=True),
    C("topic", String(100), primary_key=True),
    C("revision", Integer, nullable=False),  # that was judged
    C("relevant", Boolean, nullable=False),
    C("note", CleanText, nullable=False),
    C("at", UtcDateTime, nullable=False),
)

not_articles = Table(
    "not_articles",
    metadata,
    C("url", CleanText, primary_key=True),
    C("source", String(100), nullable=False),
    C("kind", String(20), nullable=False),
    C("reason", CleanText, nullable=False),
    C("at", UtcDateTime, nullable=False),
)

failures = Table(
    "failures",
    metadata,
    C("id", Integer, primary_key=True),
    C("step", String(20), nullable=False),
    C("subject", CleanText, nullable=False),
    C("source", String(100), nullable=False, index=True),
    C("reason", CleanText, nullable=False),
    C("retryable", Boolean, nullable=False),
    C("at", UtcDateTime, nullable=False, index=True),
)

alerts = Table(
    "alerts",
    metadata,
    C("id", Integer, primary_key=True),
    C("story", String(64), nullable=False),
    C("rule", String(100), nullable=False),
    C("channel", String(100), nullable=False),
    C("kind", String(20), nullable=False),
    C("evidence", JSON, nullable=False),
    C("queued_at", UtcDateTime, nullable=False),
    C("state", String(20), nullable=False),
    C("attempts", Integer, nullable=False, default=0),
    C("next_attempt_at", UtcDateTime, nullable=False),
    C("last_detail", CleanText, nullable=False, default=""),
    C("sent_at", UtcDateTime),
    C("due_at", UtcDateTime),  # first; unlike next_attempt_at no retry moves it
    C("period", String(10), nullable=False, server_default=""),  # of the digest that it is held for
    C("digest", JSON(none_as_null=True)),  # what it tells, where it tells several stories
    C("digest_id", Integer, index=True),  # the alert that told it together with others
    C("taken", JSON(none_as_null=True)),  # marks of services, recipients and parts that have it while others lack it
    C("escalated_at", UtcDateTime),  # to other channels, since its own stayed down
    C("escalated_from", Integer, index=True),  # the alert whose channel stayed down
    UniqueConstraint("story", "rule", "channel", "kind"),
    Index("ix_alerts_state_next_attempt_at", "state", "next_attempt_at"),
)

deliveries = Table(
    "deliveries",
    metadata,
    C("alert_id", ForeignKey("alerts.id", ondelete="CASCADE"), primary_key=True),
    C("attempt", Integer, primary_key=True),
    C("at", UtcDateTime, nullable=False),
    C("outcome", String(20), nullable=False),
    C("detail", CleanText, nullable=False),
)

backfill_jobs = Table(
    "backfill_jobs",
    metadata,
    C("id", Integer, primary_key=True),
    C("key", String(64), nullable=False, unique=True),  # of what was asked: the same command is the same job
    C("asked", JSON, nullable=False),
    C("began_at", UtcDateTime, nullable=False),
    C("told_at", UtcDateTime),  # when its summary was queued
)

backfill_windows = Table(
    "backfill_windows",
    metadata,
    C("id", Integer, primary_key=True),
    C("job_id", ForeignKey("backfill_jobs.id", ondelete="CASCADE"), nullable=False),
    C("provider", String(40), nullable=False),
    C("query", CleanText, nullable=False),
    C("start", UtcDateTime, nullable=False),
    C("until", UtcDateTime, nullable=False),
    C("source", String(100), nullable=False, default=""),
    C("language", String(8), nullable=False, default=""),
    C("address", CleanText, nullable=False, default=""),
    C("cursor", CleanText, nullable=False, default=""),  # how far a window was done
    C("state", String(10), nullable=False),  # pending, running, done, capped, failed
    C("found", Integer, nullable=False, default=0),
    C("known", Integer, nullable=False, default=0),
    C("new", Integer, nullable=False, default=0),
    C("reason", CleanText, nullable=False, default=""),
    C("finished_at", UtcDateTime),
    UniqueConstraint("job_id", "provider", "query", "start", "until"),
)

backfill_finds = Table(
    "backfill_finds",
    metadata,
    C("id", Integer, primary_key=True),
    C("job_id", ForeignKey("backfill_jobs.id", ondelete="CASCADE"), nullable=False),
    C("window_id", ForeignKey("backfill_windows.id", ondelete="CASCADE"), nullable=False, index=True),
    C("page", CleanText, nullable=False),  # canonical address
    C("url", CleanText, nullable=False, index=True),  # as in the frontier
    C("source", String(100), nullable=False, default=""),
    C("title", CleanText, nullable=False, default=""),
    C("outlet", CleanText, nullable=False, default=""),
    C("state", String(10), nullable=False),  # page, opaque, elsewhere
    C("was_known", Boolean, nullable=False),
    C("snapshot", CleanText, nullable=False, default=""),
    C("article_id", ForeignKey("articles.id", ondelete="SET NULL"), index=True),
    UniqueConstraint("job_id", "page"),
)

# What publishers' archives said while a search goes on, so that no address is asked twice; gone when it is done.
backfill_answers = Table(
    "backfill_answers",
    metadata,
    C("job_id", ForeignKey("backfill_jobs.id", ondelete="CASCADE"), primary_key=True),
    C("address", CleanText, primary_key=True),  # that was asked
    C("url", CleanText, nullable=False),  # that answered
    C("status", Integer, nullable=False),
    C("content_type", CleanText, nullable=False),
    C("at", UtcDateTime, nullable=False),
    C("size", Integer, nullable=False),  # bytes of the body as it is kept
    C("body", LargeBinary, nullable=False),  # zlib
    # The sum of all sizes is asked for with each answer: here without a look at the bodies.
    Index("ix_backfill_answers_at_size", "at", "size"),
)

alert_decisions = Table(
    "alert_decisions",
    metadata,
    C("id", Integer, primary_key=True),
    C("article_id", ForeignKey("articles.id", ondelete="CASCADE"), nullable=False, index=True),
    C("at", UtcDateTime, nullable=False),
    C("rule", String(100), nullable=False),
    C("channel", String(100), nullable=False),
    C("verdict", String(20), nullable=False),
    C("detail", CleanText, nullable=False),
    C("until", UtcDateTime),
)

channel_states = Table(
    "channel_states",
    metadata,
    C("channel", String(100), primary_key=True),
    C("failing_since", UtcDateTime),
    C("failures", Integer, nullable=False),  # in a row
    C("resume_at", UtcDateTime),  # nothing is tried before
    C("detail", CleanText, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    C("name", String(60), primary_key=True),
    C("rule", CleanText, nullable=False),  # when it runs, in words
    C("due_at", UtcDateTime, nullable=False),
    C("started_at", UtcDateTime),  # of the last run
    C("duration_s", Float),
    C("result", String(20), nullable=False, default=""),
    C("detail", CleanText, nullable=False, default=""),
    C("failures", Integer, nullable=False, default=0),  # in a row
)

checks = Table(
    "checks",
    metadata,
    C("name", String(60), primary_key=True),  # of what the self-check looks at
    C("is_good", Boolean, nullable=False),
    C("found", CleanText, nullable=False),
    C("mend", CleanText, nullable=False),
    C("since", UtcDateTime, nullable=False),  # it is so
    C("at", UtcDateTime, nullable=False),
)

asks = Table(
    "asks",
    metadata,
    C("id", Integer, primary_key=True),
    C("verb", String(20), nullable=False),  # what another process asks of the running service
    C("argument", CleanText, nullable=False, default=""),
    C("asked_at", UtcDateTime, nullable=False),
    C("answered_at", UtcDateTime),
    C("good", Boolean, nullable=False, default=False),
    C("answer", CleanText, nullable=False, default=""),
)
