"""Beginnings of words on SQLite: asked as the few words that begin so, of which FTS5 gives the newest at once.

Of `pre*` it gathers every article of every such word before it gives the first, but for beginnings so short that they
have an index of their own. What is found is the same.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection, text

from tripoint.domain.searchtext import Concept, Either, Every, Question, Words

_INDEXED = 3  # letters; see migration 0017
_MOST = 200  # words; where more begin so, FTS5 is asked for the beginning
_AFTER = "\x01"  # comes before anything that a word may go on with

# Each row is a place where a word stands; only the first of each word is looked at.
_TABLE = text(
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.search_terms USING fts5vocab('main', 'search_words', 'instance')"
)
_NEXT = text("SELECT term FROM temp.search_terms WHERE term >= :least LIMIT 1")


def spelled_out(connection: Connection, question: Question | None) -> Question | None:
    """Return a question with the words that the archive holds in the place of their beginnings."""
    match question:
        case Words(is_prefix=True) if len(question.words[-1]) > _INDEXED:
            return _one(connection, question)
        case Every(parts=parts, without=without):
            return Every(_each(connection, parts), _each(connection, without))
        case Either(parts=parts):
            return Either(_each(connection, parts))
        case Words() | Concept() | None:
            return question


def _each(connection: Connection, parts: tuple[Question, ...]) -> tuple[Question, ...]:
    found = (spelled_out(connection, each) for each in parts)
    return tuple(each for each in found if each is not None)


def _one(connection: Connection, question: Words) -> Question:
    *before, beginning = question.words
    connection.execute(_TABLE)
    ends: list[str] = []
    least = beginning
    while (term := connection.scalar(_NEXT, {"least": least})) is not None and term.startswith(beginning):
        ends.append(term)
        least = term + _AFTER
        if len(ends) > _MOST:
            return question
    spelled = tuple(replace(question, words=(*before, each), is_prefix=False) for each in ends)
    return Either(spelled) if len(spelled) > 1 else spelled[0] if spelled else question
