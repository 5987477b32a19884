"""Publishers' own search pages, page after page, as the catalogue describes them: an address and a selector."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from cssselect import SelectorError

from crawler.listings import UnreadableListingError
from crawler.markup import decode, parse_html
from crawler.providers.reading import Reader, may_be_inside
from tripoint.domain.backfill import Ask, Find, Shard, ShardState, Sought, Terms, Wanted, day_start
from tripoint.domain.text import one_line
from tripoint.domain.types import Failure, Source
from tripoint.domain.urls import normalise_url
from tripoint.domain.when import Days

MOST_PAGES = 50


def read_results(body: bytes, content_type: str, url: str, selector: str) -> tuple[Find, ...]:
    """Return the links of a page of results; runs in a worker. Raises `UnreadableListingError` for no page at all."""
    tree = parse_html(decode(body, content_type), url)
    if tree is None:
        raise UnreadableListingError("no HTML in it")
    try:
        links = tree.cssselect(selector)
    except SelectorError as error:
        raise UnreadableListingError(f"search_link {selector!r} is no CSS selector") from error
    found = {}
    for link in links:
        try:
            address = normalise_url(str(link.get("href", "")).strip(), url)
        except ValueError:
            continue
        found[address] = Find(address, one_line(link.text_content())[:300])
    return tuple(found.values())


def queries(terms: Terms) -> tuple[str, ...]:
    """Return what to type into a box that knows no operators: the core with each partner, by their first names."""
    core, partners = terms.groups[0], terms.groups[1] if len(terms.groups) > 1 else ()
    return tuple(f"{core[0]} {each}" for each in partners) or (core[0],)


class SearchProvider:
    """Asks each publisher that has a search page in the catalogue; the pages say when they were published."""

    name = "search"

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def shards(self, wanted: Wanted) -> Sequence[Shard]:
        """Return a shard for each query to each publisher, over all the days."""
        start, end = day_start(wanted.days), day_start(Days(wanted.days.end, wanted.days.end))
        return [
            Shard(self.name, f"{source.name} {query}", start, end, source.name, source.language, query)
            for source in wanted.sources
            if source.search and source.search_link
            for query in self._asked(source, wanted)
        ]

    def _asked(self, source: Source, wanted: Wanted) -> tuple[str, ...]:
        if wanted.words:
            return (" ".join(wanted.words),)
        return tuple(query for each in wanted.terms if each.language == source.language for query in queries(each))

    async def search(self, shard: Shard, wanted: Wanted, ask: Ask) -> Sought:
        """Turn pages until one holds nothing new."""
        source = next((each for each in wanted.sources if each.name == shard.source), None)
        if source is None or not source.search:
            return Sought(state=ShardState.FAILED, reason=f"{shard.source} has no search page any more")
        finds: dict[str, Find] = {}
        seen: set[str] = set()
        for number in range(1, MOST_PAGES + 1):
            url = source.search.replace("{query}", quote(shard.address, safe="")).replace("{page}", str(number))
            answer = await ask.get(url)
            if isinstance(answer, Failure):
                return Sought.failed(answer, list(finds.values()))
            found = await self._reader.run(
                read_results, answer.body, answer.content_type, answer.url, source.search_link, subject=url
            )
            if isinstance(found, Failure):
                return Sought.failed(found, list(finds.values()))
            before = len(seen)
            seen |= {each.url for each in found}
            # Most know no days; an address that names another one is not fetched, and its page may still go on.
            inside = [each for each in found if may_be_inside(each.url, None, None, source, wanted.days)]
            finds |= {each.url: each for each in inside}
            if len(seen) == before or "{page}" not in source.search:
                return Sought(tuple(finds.values()))
        return Sought(tuple(finds.values()), ShardState.CAPPED, f"more than {MOST_PAGES} pages of results")
