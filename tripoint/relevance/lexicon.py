"""The lexicon: concepts that know no language, each with its aliases, and the guards that an alias needs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tripoint.domain.errors import Place
from tripoint.domain.seedfile import SeedTable
from tripoint.domain.text import unmark
from tripoint.relevance.syllables import is_spelled_so

KINDS = ("actor", "act", "move", "force", "platform", "forum", "person", "context", "third", "veto", "echo", "shield")
LANGUAGES = ("vi", "en")
_ID = re.compile(r"[a-z]+\.[a-z0-9_]+")
_PATTERN = re.compile(r"\.\*|\.\+|\\[a-zA-Z.]|\[[^\]]+\]|\(\?|\w\|\w|\{\d|^\^|\w[*?]$")
_LONGEST_GUARD = 28  # characters: what the matcher looks at beside an alias
_LEAST_SURE = 7  # letters: a shorter Vietnamese alias may be a word of another language, so its line is looked at


class Guard(NamedTuple):
    """A word or a number beside an alias; one that is written with a capital is a name, and stands so in the text."""

    word: str
    is_name: bool
    is_number: bool = False  #: a digit, with which a number begins or ends


_NUMBER = "#"  # how a guard says that a number stands there
_DIGITS = tuple(Guard(each, is_name=False, is_number=True) for each in "0123456789")


@dataclass(frozen=True, slots=True)
class Alias:
    """One way to write a concept."""

    concept: str
    text: str  #: as the seed has it
    folded: str  #: as it is looked for: in small letters, without diacritics
    language: str
    line: str = ""  #: the language that the line must be in, where the alias could be a word of the other
    case: bool = False
    needs: bool = False
    name: bool = False
    after: tuple[Guard, ...] = ()  #: folded words of which one must stand before it
    before: tuple[Guard, ...] = ()
    not_after: tuple[Guard, ...] = ()
    not_before: tuple[Guard, ...] = ()


@dataclass(frozen=True, slots=True)
class Concept:
    """Something that articles name, in whatever words."""

    id: str
    kind: str
    aliases: tuple[Alias, ...]
    of: str = ""  #: the concept that a person speaks for
    alone: bool = False  #: a person whom everybody knows by surname, and who needs no state beside it


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All concepts; `version` changes with any of them."""

    concepts: tuple[Concept, ...]
    version: str

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the id of each concept."""
        return tuple(each.id for each in self.concepts)


def parse_lexicon(tables: Sequence[SeedTable]) -> Lexicon:
    """Read and check all files of a lexicon; raises `SeedError` at the first mistake."""
    concepts: dict[str, Concept] = {}
    speakers: list[tuple[SeedTable, str]] = []
    owners: dict[tuple[str, str], tuple[str, Place]] = {}
    for table in tables:
        for entry in table.tables("concept"):
            concept = _concept(entry, owners)
            if concept.id in concepts:
                raise entry.error("id", f'"{concept.id}" stands twice', "put all its aliases into one entry")
            concepts[concept.id] = concept
            if concept.of:
                speakers.append((entry, concept.of))
        table.done()
    for entry, of in speakers:
        if of not in concepts:
            raise entry.error("of", f'"{of}" names no concept of the lexicon', "write the id of an actor")
    found = tuple(concepts.values())
    return Lexicon(found, hashlib.sha256(repr(found).encode()).hexdigest()[:12])


def _concept(entry: SeedTable, owners: dict[tuple[str, str], tuple[str, Place]]) -> Concept:
    name = entry.text("id")
    kind = entry.text("kind")
    if not _ID.fullmatch(name):
        raise entry.error("id", f'"{name}" is no concept id', 'write it like "actor.russia"')
    if kind not in KINDS:
        raise entry.error("kind", f'"{kind}" is no kind', f"choose one of {', '.join(KINDS)}")
    of = entry.text("of", "")
    alone = entry.flag("alone", False)
    if alone and not of:
        raise entry.error("alone", f'"{name}" speaks for nobody', "say with `of` for which actor")
    aliases: list[Alias] = []
    for language in LANGUAGES:
        for text in entry.texts(language, ()):
            aliases.append(_alias(entry, language, name, text, language))
            _own(owners, aliases[-1], entry, language)
    for table in entry.tables("alias"):
        aliases.append(_guarded(table, name))
        _own(owners, aliases[-1], table, "text")
        table.done()
    entry.done()
    if not aliases:
        raise entry.error("id", f'"{name}" has no alias', 'add vi = ["…"] or en = ["…"]')
    if all(alias.needs for alias in aliases):
        raise entry.error("id", f'every alias of "{name}" `needs` another, so none is ever found', "free one of them")
    return Concept(name, kind, tuple(aliases), of, alone)


def _own(owners: dict[tuple[str, str], tuple[str, Place]], alias: Alias, entry: SeedTable, key: str) -> None:
    """Refuse an alias that another concept has, for a word cannot mean two things at once."""
    owner, place = owners.setdefault((alias.language, alias.folded), (alias.concept, entry.place(key)))
    if owner != alias.concept:
        raise entry.error(key, f'"{alias.text}" already belongs to {owner} ({place})', "remove one of the two")


def _alias(entry: SeedTable, key: str, concept: str, text: str, language: str) -> Alias:
    folded = unmark(text.strip()).text
    if not any(each.isalnum() for each in folded):
        raise entry.error(key, f'the alias "{text}" has no letter or digit', "write a word")
    if _PATTERN.search(text):
        mend = "write out each form: an alias is found as it stands, whatever its case and accents"
        raise entry.error(key, f'the alias "{text}" looks like a regular expression', mend)
    line = language if (language == "vi" and len(folded) < _LEAST_SURE) or language == "en" else ""
    return Alias(concept, text, folded, language, line if is_spelled_so(folded) else "")


def _guarded(table: SeedTable, concept: str) -> Alias:
    text = table.text("text")
    language = table.text("lang")
    if language not in LANGUAGES:
        raise table.error("lang", f'"{language}" is no language of the matcher', "choose vi or en")
    plain = _alias(table, "text", concept, text, language)
    lists = {key: _guard(table, key) for key in ("after", "before", "not_after", "not_before")}
    for must, must_not in (("after", "not_after"), ("before", "not_before")):
        if lists[must] and set(lists[must]) <= set(lists[must_not]):
            raise table.error(must, f"`{must}` and `{must_not}` leave nothing that could match", "remove one of them")
    case = table.flag("case", False)
    if case and text == text.lower():
        raise table.error("case", f'"{text}" has no capital to ask for', "remove `case`, or write its capitals")
    return Alias(
        concept=plain.concept,
        text=plain.text,
        folded=plain.folded,
        language=language,
        line=plain.line,
        case=case,
        needs=table.flag("needs", False),
        name=table.flag("name", False),
        **lists,
    )


def _guard(table: SeedTable, key: str) -> tuple[Guard, ...]:
    """Read the words of a guard, folded; refuses one that no text could fulfil."""
    said = table.texts(key, ())
    words = tuple(Guard(unmark(each.strip()).text, each[:1].isupper()) for each in said if each != _NUMBER)
    for word, *_ in words:
        end = word.removesuffix(",") if key.endswith("after") else word  # "nga," stands before "mỹ" in a list
        if not (end[:1].isalnum() and (end[-1:].isalnum() or end.endswith("."))):
            problem = f'"{word}" in `{key}` does not begin and end with a letter or digit'
            raise table.error(key, problem, "write the word that stands beside the alias, without hyphen or space")
        if len(word) > _LONGEST_GUARD:
            problem = f'"{word}" in `{key}` is longer than the {_LONGEST_GUARD} characters that are looked at'
            raise table.error(key, problem, "write its nearest words only")
    return words + (_DIGITS if _NUMBER in said else ())
