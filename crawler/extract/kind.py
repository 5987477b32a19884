"""Telling an article from a video page, a gallery, a login wall or an index, by what is on the page."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree, html

from crawler.extract.head import Head
from crawler.scripted import needs_script
from tripoint.domain.health import NEEDS_SCRIPT
from tripoint.domain.types import NotArticleKind

_FEW_WORDS = 25  # a brief of forty words is an article
_SHORT_WORDS = 120
_SHORT_CHARACTERS = 1_000  # in paragraphs; what has more was not left to a script
_MANY_PICTURES = 5
_MANY_LINKS = 6
_LONG_PARAGRAPH_WORDS = 25
LONG_PARAGRAPH_CHARACTERS = 80
_LONG_LINK_CHARACTERS = 35
_HEADINGS = ("h2", "h3", "h4", "article")
_LISTED = etree.XPath("//li/descendant::a[@href]")
_LABELS = etree.XPath("//@class | //@id[contains(., 'paywall')]", smart_strings=False)
_WALLS = ("paywall", "login-wall", "regwall", "subscriber-only", "login-required")


@dataclass(frozen=True, slots=True)
class Shape:
    """What of a page speaks against an article."""

    says_article: bool
    video: bool
    gallery: bool
    pictures: int
    wall: bool
    headlines: int  #: links that look like headlines of other pages
    long_paragraphs: int
    paragraph_characters: int  #: in paragraphs that are longer than a menu's entries
    script: str = ""  #: what says that a script is to write the page, "" where nothing does

    def verdict(self, text: str) -> tuple[NotArticleKind, str] | None:
        """Return the kind and a reason if the page with this body holds no article."""
        words = len(text.split())
        short = words < _SHORT_WORDS
        if self.wall and short:
            return NotArticleKind.LOGIN, f"a login or subscription wall, {words} words before it"
        if self.video and short:
            return NotArticleKind.VIDEO, f"a video with {words} words"
        if short and self.long_paragraphs < 3 and (self.gallery or self.pictures >= _MANY_PICTURES):
            return NotArticleKind.GALLERY, f"{self.pictures} pictures with {words} words"
        if not self.says_article and self.headlines >= _MANY_LINKS and self.long_paragraphs < self.headlines / 3:
            return NotArticleKind.INDEX, f"{self.headlines} headlines of other pages"
        if words < _FEW_WORDS and self.script:
            return NotArticleKind.SCRIPT, f"{NEEDS_SCRIPT}: {self.script}, and {words} words of text"
        if words < _FEW_WORDS:
            return NotArticleKind.EMPTY, f"{words} words of text"
        return None


def not_article_kind(tree: html.HtmlElement, head: Head) -> Shape:
    """Look at the page before the extractor cuts it down."""
    kind = head.meta.get("og:type", "").lower()
    paragraphs = [each.text_content() for each in tree.iter("p")]
    lengths = [len(each) for each in paragraphs]
    links = {link.get("href") for each in tree.iter(*_HEADINGS) for link in each.iter("a")} - {None}
    links.update(each.get("href") for each in _LISTED(tree) if len(each.text_content()) > _LONG_LINK_CHARACTERS)
    return Shape(
        says_article=head.is_article,
        video=kind.startswith("video") or "VideoObject" in head.types or _has_player(tree),
        gallery="ImageGallery" in head.types or kind in {"gallery", "image"},
        pictures=sum(1 for _ in tree.iter("figure")),
        wall=not head.free or _has_wall(tree),
        headlines=len(links),
        long_paragraphs=sum(each.count(" ") >= _LONG_PARAGRAPH_WORDS for each in paragraphs),
        paragraph_characters=sum(each for each in lengths if each >= LONG_PARAGRAPH_CHARACTERS),
        script=needs_script(tree) if sum(lengths) < _SHORT_CHARACTERS else "",
    )


# One XPath that asks every element all of this takes as long as parsing the page.
def _has_player(tree: html.HtmlElement) -> bool:
    frames = (str(each.get("src")) for each in tree.iter("iframe"))
    return next(tree.iter("video"), None) is not None or any("youtube" in each or "player" in each for each in frames)


def _has_wall(tree: html.HtmlElement) -> bool:
    """Return whether a class or id names a wall, or a field asks for a password."""
    if any(each.get("type") == "password" for each in tree.iter("input")):
        return True
    labels = "\n".join(_LABELS(tree))
    return any(each in labels for each in _WALLS)
