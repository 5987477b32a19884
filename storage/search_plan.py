"""A question as each database's index wants it. Every word is quoted, and consists of letters and digits alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tripoint.domain.searchtext import Concept, Either, Every, Question, Words
from tripoint.domain.searchwords import tag


class Dialect(Protocol):
    """How an index writes words and joins them."""

    def words(self, words: Words, *, in_title: bool) -> str:
        """Return words that stand beside each other."""
        ...

    def tag(self, token: str, *, is_prefix: bool = False) -> str:
        """Return a tag."""
        ...

    def every(self, parts: Sequence[str], without: Sequence[str] = ()) -> str:
        """Return that all parts hold and none of the others."""
        ...

    def either(self, parts: Sequence[str]) -> str:
        """Return that one part holds."""
        ...


class Fts5:
    """SQLite's https://sqlite.org/fts5.html#full_text_query_syntax."""

    def words(self, words: Words, *, in_title: bool) -> str:
        """Return words that stand beside each other."""
        # Without a column FTS5 need not look at positions; no word of a text is a tag, so that it finds the same.
        column = "title : " if in_title else ""
        return f'{column}"{" ".join(words.words)}"{" *" if words.is_prefix else ""}'

    def tag(self, token: str, *, is_prefix: bool = False) -> str:
        """Return a tag."""
        quoted = _quoted(token, '"')
        return f'"{quoted}"{" *" if is_prefix else ""}'

    def every(self, parts: Sequence[str], without: Sequence[str] = ()) -> str:
        """Return that all parts hold and none of the others."""
        wanted = " AND ".join(f"({each})" for each in parts)
        return f"({wanted}) NOT ({self.either(without)})" if without else wanted

    def either(self, parts: Sequence[str]) -> str:
        """Return that one part holds."""
        return " OR ".join(f"({each})" for each in parts)


class TsQuery:
    """PostgreSQL's tsquery, written out: its parsers have ideas of their own of a word."""

    def words(self, words: Words, *, in_title: bool) -> str:
        """Return words that stand beside each other."""
        where = "A" if in_title else ""
        last = len(words.words) - 1
        marks = [("*" if words.is_prefix and at == last else "") + where for at in range(last + 1)]
        both = zip(words.words, marks, strict=True)
        return " <-> ".join(f"'{word}'{':' if mark else ''}{mark}" for word, mark in both)

    def tag(self, token: str, *, is_prefix: bool = False) -> str:
        """Return a tag."""
        return f"'{_quoted(token, chr(39))}'{':*' if is_prefix else ''}"

    def every(self, parts: Sequence[str], without: Sequence[str] = ()) -> str:
        """Return that all parts hold and none of the others."""
        return " & ".join([*(f"({each})" for each in parts), *(f"!({each})" for each in without)])

    def either(self, parts: Sequence[str]) -> str:
        """Return that one part holds."""
        return " | ".join(f"({each})" for each in parts)


def _quoted(token: str, mark: str) -> str:
    return token.replace("\\", "").replace(mark, mark * 2)


def written(dialect: Dialect, question: Question, *, in_title: bool = False) -> str:
    """Return the question as text; with `in_title` its words must stand there, but for what is to be left out."""
    match question:
        case Words():
            return dialect.words(question, in_title=in_title)
        case Concept(name=name, is_prefix=is_prefix):
            return dialect.tag(tag("concept", name), is_prefix=is_prefix)
        case Every(parts=parts, without=without):
            return dialect.every(
                [written(dialect, each, in_title=in_title) for each in parts],
                [written(dialect, each) for each in without],
            )
        case Either(parts=parts):
            return dialect.either([written(dialect, each, in_title=in_title) for each in parts])
