"""A question as each database's index wants it. Every word is quoted, and consists of letters and digits alone."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Protocol

from tripoint.domain.searchtext import Concept, Either, Every, Question, Words
from tripoint.domain.searchwords import tag, title_tag


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

    def narrowed(self, parts: Sequence[str]) -> str:
        """Return that all parts hold, each looked at only where those before it do."""
        ...


Commonness = Callable[[str], int]
"""Tells how common what holds a word or tag is, higher where it is more so."""

_MANY = 20  # words, of which each would have to be asked for

_FLATTER = 6  # parts that are nested; SQLite's parser takes no more than a hundred parentheses in each other


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

    def narrowed(self, parts: Sequence[str]) -> str:
        """Return that all parts hold, each looked at only where those before it do.

        FTS5 moves every part of one AND on together, through each article that has it. It would also make one AND of
        those in each other, but for the NOT between them, which leaves nothing out.
        """
        wanted, rest = self.every(parts[:2]), list(parts[2:])
        while rest:
            step, rest = (rest[:1], rest[1:]) if len(rest) > 1 and len(parts) - len(rest) < _FLATTER else (rest, [])
            wanted = self.every([self.every([wanted], [_NOTHING]), *step])
        return wanted


class TsQuery:
    """PostgreSQL's tsquery, written out: its parsers have ideas of their own of a word."""

    def words(self, words: Words, *, in_title: bool) -> str:
        """Return words that stand beside each other."""
        last = len(words.words) - 1
        if not in_title:
            return self._beside(words, "")
        tags = [
            self.tag(title_tag(each), is_prefix=words.is_prefix and at == last) for at, each in enumerate(words.words)
        ]
        # Of words beside each other, the tags find the few rows that are worth looking at.
        return self.every([self._beside(words, "A"), *tags]) if last else tags[0]

    def _beside(self, words: Words, where: str) -> str:
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

    def narrowed(self, parts: Sequence[str]) -> str:
        """Return that all parts hold; the index itself begins with the rarest."""
        return self.every(parts)


def _quoted(token: str, mark: str) -> str:
    return token.replace("\\", "").replace(mark, mark * 2)


_NOTHING = f'"{tag("nothing", "")}"'


def common(dialect: Dialect, question: Question, commonness: Commonness) -> int:
    """Return how common what is asked for is at most, from its single words and concepts."""
    match question:
        case Words(words=words, is_prefix=is_prefix):
            # The words that go on from a prefix are gathered before the first is given: too much for a guess.
            single = words[:-1] if is_prefix else words
            each_word = (dialect.words(Words((each,), each), in_title=False) for each in single)
            return min(map(commonness, each_word), default=sys.maxsize)
        case Concept(name=name, is_prefix=is_prefix):
            return sys.maxsize if is_prefix else commonness(dialect.tag(tag("concept", name)))
        case Every(parts=parts):
            return min(common(dialect, each, commonness) for each in parts)
        case Either(parts=parts) if len(parts) > _MANY:
            return sys.maxsize
        case Either(parts=parts):
            return max(common(dialect, each, commonness) for each in parts)


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
