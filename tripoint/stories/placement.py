"""Which story an article belongs to, and what it is to it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from tripoint.domain.types import Article, Clues, Known, Placement, PlacementKind, Twin
from tripoint.stories.fingerprint import Fingerprint, fingerprint, is_copy

Place = Callable[[Known], Placement]


def recognise(article: Article) -> tuple[Clues, Place]:
    """Return what the archive recognises an article by, and what places it once the archive has answered.

    The costly reading is done here, before the transaction begins.
    """
    print_ = fingerprint(article.title, article.text)

    def place(known: Known) -> Placement:
        return _place(article, print_, known)

    return Clues(print_.keys), place


def _place(article: Article, print_: Fingerprint, known: Known) -> Placement:
    """Return a revision for a known page that changed, a copy for a known text, else a new story."""
    if known.same_url:
        if known.same_url_hash == article.content_hash:
            return Placement(known.same_url, PlacementKind.DUPLICATE, "the same page, unchanged")
        return Placement(known.same_url, PlacementKind.REVISION, "the page was changed")
    for twin in known.twins:
        if twin.content_hash == article.content_hash or is_copy(print_, fingerprint(twin.title, twin.text)):
            return _copy(article, twin)
    return Placement(story_key(article), PlacementKind.NEW)


def _copy(article: Article, twin: Twin) -> Placement:
    if twin.outlet == article.outlet:
        return Placement(twin.story, PlacementKind.DUPLICATE, "the same text at another address", twin.article_id)
    return Placement(twin.story, PlacementKind.SYNDICATED, f"the text that {twin.outlet} has", twin.article_id)


def story_key(article: Article) -> str:
    """Return the key of the story that begins with this article; the same page always gives the same key."""
    return hashlib.sha256(article.canonical_url.encode()).hexdigest()[:16]
