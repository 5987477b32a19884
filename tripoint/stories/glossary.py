"""What two languages call one thing: terms that compare across them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tripoint.domain.seedfile import SeedTable
from tripoint.stories.tokens import Token, stem, tokens

LANGUAGES = ("en", "vi")


@dataclass(frozen=True, slots=True)
class Term:
    """One thing and its forms in each language."""

    id: str
    kind: str
    forms: tuple[tuple[str, str], ...]  #: language and form


@dataclass(frozen=True, slots=True)
class _Form:
    words: tuple[str, ...]
    capital: bool
    all_capitals: bool
    term: Term


class Glossary:
    """Finds terms in tokens, the longest first."""

    def __init__(self, terms: Iterable[Term]) -> None:
        self._forms: dict[tuple[str, str], list[_Form]] = {}
        for term in terms:
            for language, written in term.forms:
                found = tokens(written)
                if not found:
                    continue
                form = _Form(
                    tuple(_key(each, language) for each in found),
                    found[0].is_capital,
                    written.isupper() and len(found) == 1,
                    term,
                )
                self._forms.setdefault((language, form.words[0]), []).append(form)
        for forms in self._forms.values():
            forms.sort(key=lambda each: len(each.words), reverse=True)

    def find(self, found: Sequence[Token], language: str) -> Iterator[tuple[Term, int, int]]:
        """Yield the terms in a row of tokens with the places where they begin and end.

        Where several begin at one word, those of the longest form.
        """
        at = 0
        while at < len(found):
            length, is_whole = 1, False
            for form in self._beginning(found[at], language):
                if len(form.words) < length or not _stands(form, found, at):
                    continue
                length = len(form.words)
                is_whole = True
                yield form.term, at, at + length
            if not is_whole and "-" in found[at].text:  # "Pakistan-Russia"
                for part in tokens(found[at].text.replace("-", " ")):
                    yield from ((term, at, at + 1) for term, _, _ in self.find([part], language))
            at += length

    def _beginning(self, token: Token, language: str) -> list[_Form]:
        forms = self._forms.get((language, token.folded), [])
        without_ending = stem(token.folded)
        if language != "en" or without_ending == token.folded:
            return forms
        more = self._forms.get((language, without_ending), [])
        return sorted((*forms, *more), key=lambda each: -len(each.words)) if forms and more else forms or more


def _key(token: Token, language: str) -> str:
    """Return a word without its English endings: "freezes" is "freeze"; names stay whole."""
    return stem(token.folded) if language == "en" and not token.is_capital else token.folded


def _stands(form: _Form, found: Sequence[Token], at: int) -> bool:
    if (form.capital and not found[at].is_capital) or (form.all_capitals and not found[at].text.isupper()):
        return False
    here = found[at : at + len(form.words)]
    return len(here) == len(form.words) and all(
        word in {token.folded, stem(token.folded)} for token, word in zip(here, form.words, strict=True)
    )


def parse_terms(tables: Sequence[SeedTable]) -> tuple[Term, ...]:
    """Read and check the glossary of the seeds; raises `SeedError` at the first mistake."""
    terms: dict[str, Term] = {}
    for table in tables:
        for group in table.tables("group"):
            kind = group.text("kind")
            for line in group.texts("terms"):
                term = _term(group, kind, line)
                if term.id in terms:
                    raise group.error("terms", f'"{line}" begins as another line does', "join the two lines")
                terms[term.id] = term
            group.done()
        table.done()
    return tuple(terms.values())


def _term(group: SeedTable, kind: str, line: str) -> Term:
    sides = line.split(" = ")
    if len(sides) != len(LANGUAGES):
        raise group.error("terms", f'"{line}" has no two sides', "write `English forms = Vietnamese forms`")
    forms = tuple(
        (language, form.strip())
        for language, side in zip(LANGUAGES, sides, strict=True)
        for form in side.split(",")
        if form.strip()
    )
    if {language for language, _form in forms} != set(LANGUAGES):
        raise group.error("terms", f'"{line}" has no form on one side', "write one, or leave the line out")
    return Term(f"{kind}.{forms[0][1].lower()}", kind, forms)
