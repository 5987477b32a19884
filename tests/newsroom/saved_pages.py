"""An outlet made of pages saved from real newspapers."""

import gzip
import json
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.newsroom.page import NewsPage, Outlet


def outlet_from_saved_pages(folder: Path, expected: Path, name: str = "saved", with_dates: bool = False) -> Outlet:
    """Serve each saved page on the path of its real URL; feeds date them only when asked to."""
    pages = []
    for number, line in enumerate(expected.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            pages.append(_page(folder, json.loads(line), with_dates))
        except (KeyError, TypeError, ValueError, OSError) as error:
            raise ValueError(f"{expected}, line {number}: {error!r}") from error
    return Outlet(name, "Saved pages", "en", "US", "UTC", pages)


def _page(folder: Path, record: dict[str, str | None], with_dates: bool) -> NewsPage:
    url, published = record["url"] or "", record.get("published")
    return NewsPage(
        path=unquote(urlsplit(url).path) or "/",
        html=gzip.decompress((folder / str(record["file"])).read_bytes()),
        title=record["title"] or "",
        published=datetime.fromisoformat(published) if with_dates and published else None,
        section="news",
    )
