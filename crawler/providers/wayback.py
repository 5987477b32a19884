"""The Wayback Machine's CDX index: what it holds of a publisher's host, by the topic's names in the address."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlencode, urlsplit

from crawler.listings import UnreadableListingError
from crawler.providers.reading import Reader
from tripoint.domain.archives import addresses
from tripoint.domain.backfill import Ask, Find, Shard, ShardState, Sought, Wanted, day_start
from tripoint.domain.text import one_line, slug
from tripoint.domain.types import Failure
from tripoint.domain.urls import normalise_url
from tripoint.domain.when import Days

_ROWS = 2_000
_MOST_PAGES = 50
_LATER = timedelta(days=90)  # a page is often copied first some time after it was published


def read_rows(body: bytes, snapshots: str) -> tuple[tuple[Find, ...], str]:
    """Return the pages of an answer and the key with which to go on; runs in a worker.

    The first row names the columns; with more to come, an empty row and one with the key alone end it. No rows at all
    may be an empty list or nothing.
    """
    if not body.strip():
        return (), ""
    try:
        rows = json.loads(body)
        if not isinstance(rows, list):
            raise TypeError("no list")
        key = ""
        if len(rows) > 2 and rows[-2] == []:
            key, rows = str(rows[-1][0]), rows[:-2]
        found = []
        for row in rows[1:]:
            said = dict(zip(rows[0], row, strict=True))
            address = normalise_url(re.sub(r"^(https?://[^/:]+):(?:80|443)(?=/|$)", r"\1", said["original"]))
            found.append(Find(address, snapshot=f"{snapshots}/{said['timestamp']}id_/{said['original']}"))
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise UnreadableListingError(f"no CDX rows: {one_line(str(error))[:120]}") from error
    return tuple(found), key


class WaybackProvider:
    """Asks for the pages of each publisher whose address names the topic; a copy stands in for a page that is gone."""

    name = "wayback"

    def __init__(self, reader: Reader, index: str, snapshots: str) -> None:
        self._reader = reader
        self._index = index
        self._snapshots = snapshots.rstrip("/")

    def shards(self, wanted: Wanted) -> Sequence[Shard]:
        """Return a shard for each publisher and month of copies, which may be later than the pages."""
        slugs = [slug(" ".join(wanted.words))] if wanted.words else list(wanted.slugs)
        pattern = f".*({'|'.join(re.escape(each) for each in slugs if each)}).*"
        copied = Days(wanted.days.first, wanted.days.end + _LATER)
        found = []
        for source in wanted.sources:
            site = urlsplit(source.homepage).netloc.removeprefix("www.")
            for span, _ in addresses("{YYYY}{MM}", copied):
                start, end = day_start(span), day_start(Days(span.end, span.end))
                asked = Shard(self.name, f"{site} {pattern}", start, end, source.name, source.language, pattern)
                found.append(asked)
        return found

    async def search(self, shard: Shard, wanted: Wanted, ask: Ask) -> Sought:
        """Ask a month, and go on with the key that an answer ends with."""
        said = {
            "url": shard.query.split(" ", 1)[0],
            "matchType": "domain",
            "output": "json",
            "fl": "timestamp,original",
            "collapse": "urlkey",
            "from": f"{shard.start:%Y%m%d}",
            "to": f"{shard.end - timedelta(days=1):%Y%m%d}",
            "limit": str(_ROWS),
            "showResumeKey": "true",
        }
        filters = ["statuscode:200", "mimetype:text/html", f"urlkey:{shard.address}"]
        finds: list[Find] = []
        key = ""
        for _ in range(_MOST_PAGES):
            more = [("resumeKey", key)] if key else []
            url = f"{self._index}?{urlencode([*said.items(), *(('filter', each) for each in filters), *more])}"
            answer = await ask.get(url)
            if isinstance(answer, Failure):
                return Sought.failed(answer, finds)
            found = await self._reader.run(read_rows, answer.body, self._snapshots, subject=url)
            if isinstance(found, Failure):
                return Sought.failed(found, finds)
            finds += found[0]
            key = found[1]
            if not key:
                return Sought(tuple(finds))
        return Sought(tuple(finds), ShardState.CAPPED, f"more than {_MOST_PAGES * _ROWS} copies in a month")
