"""What two languages call one thing: terms that compare across them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tripoint.domain.seedfile import SeedTable
from tripoint.stories.tokens import Token, tokens

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
                    tuple(each.folded for each in found),
                    found[0].is_capital,
                    written.isupper() and len(found) == 1,
                    term,
                )
                self._forms.setdefault((language, found[0].folded), []).append(form)
        for forms in self._forms.values():
            forms.sort(key=lambda each: len(each.words), reverse=True)

    def find(self, found: Sequence[Token], language: str) -> Iterator[tuple[Term, int, int]]:
        """Yield the terms in a row of tokens with the places where they begin and end.

        Where several begin at one word, those of the longest form.
        """
        at = 0
        while at < len(found):
            length = 1
            for form in self._forms.get((language, found[at].folded), ()):
                if len(form.words) < length or not _stands(form, found, at):
                    continue
                length = len(form.words)
                yield form.term, at, at + length
            at += length


def _stands(form: _Form, found: Sequence[Token], at: int) -> bool:
    if (form.capital and not found[at].is_capital) or (form.all_capitals and not found[at].text.isupper()):
        return False
    here = found[at : at + len(form.words)]
    return len(here) == len(form.words) and all(
        token.folded == word for token, word in zip(here, form.words, strict=True)
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
