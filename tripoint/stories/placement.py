"""Which story an article belongs to, and what it is to it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType
from zoneinfo import ZoneInfo

from tripoint.domain.types import Article, Clues, Known, Phrase, Placement, PlacementKind, Report, Signature, Twin
from tripoint.stories.corroboration import corroborate
from tripoint.stories.edits import edit
from tripoint.stories.fingerprint import Fingerprint, fingerprint, is_copy
from tripoint.stories.glossary import Glossary
from tripoint.stories.grouping import Grouping
from tripoint.stories.novelty import what_is_new
from tripoint.stories.signature import Reader
from tripoint.stories.wires import Wires
from tripoint.stories.wording import english

Place = Callable[[Known], Placement]
DOUBT = Phrase("doubt")
_SURE = 0.6  # from this probability on, a report with the same facts is silent
_FINGERPRINTS = 128  # a text that many outlets copy is compared with each of them, within hours
_NOT_AN_ARTICLE = 0  # stands for the article that is being placed, which has no id yet


class Placer:
    """Places articles; `countries` and `zones` are those of the sources, by name."""

    def __init__(
        self,
        glossary: Glossary,
        grouping: Grouping,
        wires: Wires,
        countries: Mapping[str, str],
        zones: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._glossary = glossary
        self._grouping = grouping
        self._wires = wires
        self._countries = countries
        self._zones = {name: ZoneInfo(zone) for name, zone in zones.items()}
        self._reader = Reader(glossary, grouping.rarity)
        self._fingerprint = lru_cache(_FINGERPRINTS)(fingerprint)

    def recognise(
        self, article: Article, concepts: frozenset[str], now: datetime, *, is_grouped: bool
    ) -> tuple[Clues, Place]:
        """Return what the archive recognises an article by, and what places it once the archive has answered.

        The costly reading is done here, before the transaction begins. An article that is not grouped, since it is
        about something else, joins a story only as a copy. `concepts` are those of the lexicon that it is about.
        """
        print_ = self._fingerprint(article.title, article.text)
        signature = self._sign(article) if is_grouped else None
        origin = self._wires.origin(article.outlet, article.authors, article.text)
        clues = Clues(print_.keys, signature, origin)

        def place(known: Known) -> Placement:
            placement = self._place(article, clues, print_, known)
            reports = [each for each in known.reports if each.story == placement.story]
            mine = _as_report(article, clues, placement)
            behind = corroborate(self._wires, self._countries, [*reports, mine], concepts, now)
            told = replace(placement, corroboration=behind.line, behind=behind.phrases)
            return replace(told, independent=behind.independent)

        return clues, place

    def _sign(self, article: Article) -> Signature:
        # "On Tuesday" is a Tuesday where the outlet is, which may be Monday in UTC.
        at = (article.published or article.fetched_at).astimezone(self._zones.get(article.source, UTC))
        return self._reader.read(article.title, article.text, article.language, at)

    def _place(self, article: Article, clues: Clues, print_: Fingerprint, known: Known) -> Placement:
        if known.same_url:
            return self._revision(article, clues, known)
        for twin in known.twins:
            if twin.content_hash == article.content_hash or is_copy(print_, self._fingerprint(twin.title, twin.text)):
                return _copy(article, twin)
        if clues.signature is not None:
            vector = self._grouping.vector
            grouped = [(each.story, vector(each.signature)) for each in known.reports if each.signature is not None]
            joined = self._grouping.choose(vector(clues.signature), grouped)
            if joined:
                because = f"{joined.probability:.2f}: {', '.join(joined.shared)}"
                placement = self._further(article, clues, known, joined.story, PlacementKind.FURTHER, because)
                return placement if joined.probability >= _SURE else _doubted(placement)
        return Placement(story_key(article), PlacementKind.NEW)

    def _revision(self, article: Article, clues: Clues, known: Known) -> Placement:
        if known.same_url_hash == article.content_hash:
            return Placement(known.same_url, PlacementKind.DUPLICATE, "the same page, unchanged")
        if known.same_url_title == article.title and not edit(known.same_url_text, article.text).is_material:
            return Placement(known.same_url, PlacementKind.DUPLICATE, "the same page; only what surrounds it changed")
        return self._further(article, clues, known, known.same_url, PlacementKind.REVISION, "the page was changed")

    def _further(
        self, article: Article, clues: Clues, known: Known, story: str, kind: PlacementKind, because: str
    ) -> Placement:
        told = [each for each in known.reports if each.story == story]
        if clues.signature is None or not told:
            return Placement(story, kind, "", because=because)
        new = what_is_new(self._glossary, article, clues.signature, told)
        return Placement(story, kind, new.line, is_material=bool(new.facts), because=because, news=new.facts)


def _copy(article: Article, twin: Twin) -> Placement:
    if twin.outlet == article.outlet:
        return Placement(twin.story, PlacementKind.DUPLICATE, "the same text at another address", twin.article_id)
    return Placement(twin.story, PlacementKind.SYNDICATED, f"the text that {twin.outlet} has", twin.article_id)


def _doubted(placement: Placement) -> Placement:
    """Return a placement that is told in any case: a missed event is worse than one that is told twice."""
    if placement.is_material:
        return placement
    return replace(placement, what_is_new=english((DOUBT,)), news=(DOUBT,), is_material=True)


def _as_report(article: Article, clues: Clues, placement: Placement) -> Report:
    return Report(
        article_id=_NOT_AN_ARTICLE,
        story=placement.story,
        source=article.source,
        outlet=article.outlet,
        language=article.language,
        title=article.title,
        url=article.url,
        published=article.published,
        seen_at=article.fetched_at,
        placement=placement.kind,
        what_is_new=placement.what_is_new,
        is_material=placement.is_material,
        because=placement.because,
        copy_of=placement.copy_of,
        origin=clues.origin,
        is_relevant=True,
        signature=clues.signature,
    )


def story_key(article: Article) -> str:
    """Return the key of the story that begins with this article; the same page always gives the same key."""
    return hashlib.sha256(article.canonical_url.encode()).hexdigest()[:16]


def split_key(story: str, articles: Sequence[int]) -> str:
    """Return the key of the story that is split off another with these articles."""
    joined = f"{story} without {sorted(articles)}"
    return hashlib.sha256(joined.encode()).hexdigest()[:16]
