"""Which story an article belongs to, as far as its address and its exact text can tell."""

from __future__ import annotations

import hashlib

from tripoint.domain.types import Article, Known, Placement, PlacementKind


def place(article: Article, known: Known) -> Placement:
    """Return a revision for a known page that changed, a duplicate for a known text, else a new story."""
    if known.same_url:
        if known.same_url_hash == article.content_hash:
            return Placement(known.same_url, PlacementKind.DUPLICATE, "the same page, unchanged")
        return Placement(known.same_url, PlacementKind.REVISION, "the page was changed")
    if known.same_content:
        return Placement(known.same_content, PlacementKind.DUPLICATE, "the same text at another address")
    return Placement(story_key(article), PlacementKind.NEW)


def story_key(article: Article) -> str:
    """Return the key of the story that begins with this article; the same page always gives the same key."""
    return hashlib.sha256(article.canonical_url.encode()).hexdigest()[:16]
