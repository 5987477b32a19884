"""GDELT's DOC 2.0 article lists: at most 250 a question, so that a window that comes back full is asked in halves."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from crawler.listings import UnreadableListingError
from crawler.providers.reading import Reader
from tripoint.domain.archives import addresses
from tripoint.domain.backfill import DAY, Ask, Find, Shard, ShardState, Sought, Wanted, bisected, bounds
from tripoint.domain.text import one_line
from tripoint.domain.types import Failure
from tripoint.domain.urls import normalise_url

MOST = 250  #: records in one answer, however many there are
_LEAST = timedelta(minutes=15)  # it takes the news in by quarters of an hour
_LANGUAGES = {"vi": "vietnamese", "en": "english"}
_TURNS = 3
_TAGS = re.compile(r"<[^>]{0,2000}>")


def read_articles(body: bytes) -> tuple[tuple[Find, ...], int]:
    """Return what an answer lists, and how many records it holds; runs in a worker.

    Raises `UnreadableListingError` for the error that it sends as a page with status 200. `seendate` is when GDELT saw
    the page, and says nothing of its publication.
    """
    text = body.decode("utf-8", "replace")
    if not text.lstrip().startswith("{"):
        said = one_line(_TAGS.sub(" ", text))[:200] or "an empty answer"
        raise UnreadableListingError(f"GDELT says: {said}")
    try:
        records = json.loads(text, strict=False).get("articles", [])
        found = [
            Find(
                normalise_url(str(each["url"])),
                one_line(str(each.get("title", ""))),
                outlet=str(each.get("domain", "")),
                language=str(each.get("language", "")),
                seen=_moment(str(each.get("seendate", ""))),
            )
            for each in records
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableListingError(f"no list of articles: {one_line(str(error))[:120]}") from error
    return tuple(found), len(records)


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


class GdeltProvider:
    """Asks GDELT; its index is of machine translations, so that the question is English in every language."""

    name = "gdelt"

    def __init__(self, reader: Reader, address: str, pause_s: float) -> None:
        self._reader = reader
        self._address = address
        self._pause_s = pause_s

    def shards(self, wanted: Wanted) -> Sequence[Shard]:
        """Return a shard for each month and language."""
        query = " ".join(_quoted(each) for each in wanted.words) if wanted.words else _topic(wanted)
        if not query:
            return []
        languages = sorted({each.language for each in wanted.sources} & set(_LANGUAGES))
        zones = [each.timezone for each in wanted.sources]
        first, end = bounds(wanted.days, zones)
        found = []
        for language in languages:
            for span, _ in addresses("{YYYY}{MM}", wanted.days):
                start, until = bounds(span, zones)
                asked = f"{query} sourcelang:{_LANGUAGES[language]}"
                late = min(until, end) + DAY  # it sees a page some time after it was published
                found.append(Shard(self.name, asked, max(start, first), late, language=language))
        return found

    async def search(self, shard: Shard, wanted: Wanted, ask: Ask) -> Sought:
        """Ask one window; a full one is replaced by its halves, down to a quarter of an hour."""
        said = {
            "query": shard.query,
            "mode": "ArtList",
            "format": "json",
            "maxrecords": str(MOST),
            "sort": "DateDesc",
            "startdatetime": f"{shard.start:%Y%m%d%H%M%S}",
            "enddatetime": f"{shard.end:%Y%m%d%H%M%S}",
        }
        url = f"{self._address}?{urlencode(said)}"
        for _ in range(_TURNS):
            answer = await ask.get(url, pause_s=self._pause_s)
            if isinstance(answer, Failure):
                return Sought.failed(answer)
            found = await self._reader.run(read_articles, answer.body, subject=url)
            if not (isinstance(found, Failure) and "limit requests" in found.reason.lower()):
                break
        if isinstance(found, Failure):
            return Sought.failed(found)
        finds, records = found
        if records < MOST:
            return Sought(finds)
        if halves := bisected(shard, _LEAST):
            return Sought(finds, reason="full, asked again in halves", split=halves)
        return Sought(finds, ShardState.CAPPED, f"{MOST} records in a quarter of an hour")


def _topic(wanted: Wanted) -> str:
    english = next((each for each in wanted.terms if each.language == "en"), None)
    return " ".join(_either(group) for group in english.groups) if english else ""


def _either(words: Sequence[str]) -> str:
    """Return words as an alternative; parentheses around a single one are an error there, and so are short words."""
    asked = [_quoted(each) for each in words if len(each) > 2]
    return f"({' OR '.join(asked)})" if len(asked) > 1 else "".join(asked)


def _quoted(words: str) -> str:
    return f'"{words}"' if re.search(r"\W", words) else words
