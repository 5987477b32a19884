"""What a person types into the search: words, "phrases", prefix*, OR, NOT or -, parentheses, concept:platform.mi35.

    either  = every { "OR" every }
    every   = one { ["AND"] one }
    one     = ("NOT" | "-") one | "(" either ")" | word | "phrase" | concept:NAME

Words beside each other must all be there; AND binds closer than OR. Any text gives a question or a `SearchTextError`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tripoint.domain.errors import MendError
from tripoint.domain.searchwords import words_of
from tripoint.domain.text import nfc

LONGEST = 1_000
_MOST_PARTS = 60
_DEEPEST = 20
_SHORTEST_PREFIX = 2  # letters; less would find nearly everything
_QUOTES = {'"': '"', "“": "”", "„": "“", "«": "»", "”": "”"}
_TOKEN = re.compile(r"\s*(?:(?P<mark>[()\"“„«”])|(?P<minus>-+)(?=[^\s-])|(?P<word>[^\s()\"“„«”]+))")


class SearchTextError(MendError):
    """What was typed cannot be understood; `at` is the offset of the place."""

    def __init__(self, problem: str, at: int, mend: str) -> None:
        super().__init__(f"search, character {at + 1}: {problem}", mend)
        self.at = at


@dataclass(frozen=True, slots=True)
class Words:
    """Words that stand beside each other; one alone is a word."""

    words: tuple[str, ...]  #: folded
    typed: str  #: as the person wrote them, to prefer their marks
    is_prefix: bool = False  #: the last word may go on


@dataclass(frozen=True, slots=True)
class Concept:
    """A concept of the lexicon, in whatever language it was named."""

    name: str
    is_prefix: bool = False


@dataclass(frozen=True, slots=True)
class Every:
    """All of these and none of those."""

    parts: tuple[Question, ...]
    without: tuple[Question, ...] = ()


@dataclass(frozen=True, slots=True)
class Either:
    """At least one of these."""

    parts: tuple[Question, ...]


Question = Words | Concept | Every | Either


@dataclass(frozen=True, slots=True)
class _Not:
    """Only while parsing: what is to be left out."""

    part: Question


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  #: word, phrase, open, close, not, or, and
    text: str
    at: int


def parse(text: str) -> Question | None:
    """Return what is asked for, None for an empty text; raises `SearchTextError`."""
    text = nfc(text)
    if len(text) > LONGEST:
        raise SearchTextError("this is too long", LONGEST, f"ask with at most {LONGEST} characters")
    tokens = list(_tokens(text))
    if not tokens:
        return None
    if len(tokens) > _MOST_PARTS:
        raise SearchTextError("too many words", tokens[_MOST_PARTS].at, f"ask for at most {_MOST_PARTS}")
    return _Parser(tokens, len(text)).whole()


def leaves(question: Question | None) -> Iterator[Words | Concept]:
    """Yield what is looked for, without what is to be left out."""
    match question:
        case None:
            return
        case Words() | Concept():
            yield question
        case Every(parts=parts) | Either(parts=parts):
            for each in parts:
                yield from leaves(each)


def _tokens(text: str) -> Iterator[_Token]:
    position = 0
    while found := _TOKEN.match(text, position):
        kind = found.lastgroup or ""
        at, what = found.start(kind), found[kind]
        position = found.end()
        if kind == "mark" and what in _QUOTES:
            end = _end_of_phrase(text, at)
            yield _Token("phrase", text[at + 1 : end], at)
            position = end + 1
            if text[position : position + 1] == "*":
                raise SearchTextError("a * after a phrase", position, 'write it inside: "tập trận ch*"')
        elif kind == "mark":
            yield _Token("open" if what == "(" else "close", what, at)
        elif kind == "minus":
            yield _Token("not", what, at)
        else:
            yield _Token({"OR": "or", "AND": "and", "NOT": "not"}.get(what, "word"), what, at)


def _end_of_phrase(text: str, at: int) -> int:
    closing = {_QUOTES[text[at]], '"'}
    for position in range(at + 1, len(text)):
        if text[position] in closing:
            return position
    raise SearchTextError("this quotation mark is never closed", at, 'write both: "tập trận chung"')


class _Parser:
    """Recursive descent over a list of tokens."""

    def __init__(self, tokens: list[_Token], length: int) -> None:
        self._tokens = tokens
        self._length = length
        self._next = 0
        self._depth = 0

    def whole(self) -> Question:
        """Return the question; every token must be used up."""
        found = self._either()
        if token := self._peek():
            raise SearchTextError("this parenthesis closes none", token.at, "take it away")
        return found

    def _peek(self) -> _Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _either(self) -> Question:
        parts = [self._every()]
        while (token := self._peek()) and token.kind == "or":
            self._next += 1
            parts.append(self._every())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _every(self) -> Question:
        start = self._peek()
        parts: list[Question] = []
        without: list[Question] = []
        needs_more = True
        while (token := self._peek()) and token.kind not in ("or", "close"):
            if token.kind == "and":
                if needs_more:
                    raise SearchTextError("nothing stands before this AND", token.at, "write a word on either side")
                self._next += 1
                needs_more = True
                continue
            one = self._one()
            needs_more = False
            if isinstance(one, _Not):
                without.append(one.part)
            elif one is not None:
                parts.append(one)
        if needs_more:
            at = token.at if (token := self._peek()) else self._length
            raise SearchTextError("a word is missing here", at, "write what to look for")
        if not parts:
            problem = "nothing is looked for here, only left out" if without else "there is no word in this"
            raise SearchTextError(problem, start.at if start else 0, "write a word to look for beside it")
        return parts[0] if len(parts) == 1 and not without else Every(tuple(parts), tuple(without))

    def _one(self) -> Question | _Not | None:
        token = self._tokens[self._next]
        self._next += 1
        match token.kind:
            case "not":
                return self._left_out(token)
            case "open":
                return self._grouped(token)
            case "phrase":
                return _words(token, token.text)
        return _concept(token) if token.text.casefold().startswith("concept:") else _words(token, token.text)

    def _left_out(self, token: _Token) -> Question | _Not | None:
        following = self._peek()
        if following is None or following.kind in ("or", "and", "close"):
            raise SearchTextError("nothing follows to be left out", token.at, "write a word after it")
        self._deeper(token)
        one = self._one()
        self._depth -= 1
        if one is None:
            return None
        return one.part if isinstance(one, _Not) else _Not(one)

    def _grouped(self, token: _Token) -> Question:
        self._deeper(token)
        found = self._either()
        closing = self._peek()
        if closing is None:
            raise SearchTextError("this parenthesis is never closed", token.at, "write )")
        self._next += 1
        self._depth -= 1
        return found

    def _deeper(self, token: _Token) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise SearchTextError("too many parentheses in each other", token.at, "ask more plainly")


def _words(token: _Token, text: str) -> Words | None:
    """Return the words of a token; punctuation alone is nothing to look for."""
    is_prefix = text.endswith("*")
    typed = text.rstrip("*")
    words = tuple(words_of(typed))
    if not words:
        return None
    if is_prefix and len(words[-1]) < _SHORTEST_PREFIX:
        raise SearchTextError("too little before the *", token.at, "write at least two letters")
    return Words(words, typed.strip(), is_prefix)


def _concept(token: _Token) -> Concept:
    name = token.text.partition(":")[2]
    bare = name.rstrip("*")
    if not re.fullmatch(r"[\w.-]+", bare):
        mend = "write it like concept:platform.mi35; `tripoint score` names the concepts of a text"
        raise SearchTextError("a concept's name is missing", token.at, mend)
    return Concept(bare.casefold(), is_prefix=name.endswith("*"))
