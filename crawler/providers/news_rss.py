"""Google News and Bing News as RSS: one by days and with hidden addresses, the other with wrapped ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlencode, urlsplit
from zoneinfo import ZoneInfo

from lxml import etree

from crawler.listings import UnreadableListingError
from crawler.markup import parse_xml
from crawler.moments import read_rfc822
from crawler.providers.archive import NOTHING_THERE, ArchiveProvider
from crawler.providers.reading import Reader
from tripoint.domain.archives import addresses
from tripoint.domain.backfill import Ask, Find, Shard, ShardState, Sought, Terms, Wanted, day_start
from tripoint.domain.text import fold, one_line, slug
from tripoint.domain.types import Failure, Source
from tripoint.domain.urls import canonical_url, normalise_url
from tripoint.domain.when import Days

GOOGLE_MOST = 100  #: items in one answer, however many there are
_BING_MOST_PAGES = 30
_EDITIONS = {"vi": ("vi", "VN", "VN:vi"), "en": ("en-US", "US", "US:en")}
_MARKETS = {"vi": "vi-VN", "en": "en-US"}


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of such a feed."""

    link: str
    title: str
    published: datetime | None
    outlet: str
    outlet_url: str


def read_items(body: bytes) -> tuple[Item, ...]:
    """Read the items; runs in a worker. Raises `UnreadableListingError` for what is no RSS, such as a consent page."""
    try:
        tree = parse_xml(body)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise UnreadableListingError(f"no RSS: {one_line(str(error))[:120]}") from error
    if etree.QName(tree).localname != "rss":
        raise UnreadableListingError(f"no RSS: the document is <{one_line(etree.QName(tree).localname)[:40]}>")
    found = []
    for each in tree.iterfind("channel/item"):
        moment = read_rfc822(each.findtext("pubDate") or "", ZoneInfo("UTC"))
        source = each.find("source")
        outlet = (source.text if source is not None else each.findtext("{*}Source")) or ""
        found.append(
            Item(
                (each.findtext("link") or "").strip(),
                one_line(each.findtext("title") or ""),
                moment.at if moment else None,
                one_line(outlet),
                str(source.get("url", "")) if source is not None else "",
            )
        )
    return tuple(found)


def either(terms: Terms) -> str:
    """Return a question in the syntax that both understand."""
    groups = (" OR ".join(f'"{word}"' if " " in word else word for word in group) for group in terms.groups)
    return " ".join(f"({group})" if " OR " in group else group for group in groups)


def _questions(wanted: Wanted) -> list[tuple[str, str]]:
    """Return language and words of each question."""
    languages = sorted({each.language for each in wanted.sources} & set(_EDITIONS))
    if wanted.words:
        asked = " ".join(f'"{each}"' if " " in each else each for each in wanted.words)
        return [(each, asked) for each in languages]
    return [(each.language, either(each)) for each in wanted.terms if each.language in languages]


class GoogleNewsProvider:
    """Asks Google News a day at a time; what it hides is looked up by its title in the publisher's archive."""

    name = "google-news"

    def __init__(self, reader: Reader, archive: ArchiveProvider, address: str) -> None:
        self._reader = reader
        self._archive = archive
        self._address = address
        self._shelves: dict[str, Sought] = {}

    def shards(self, wanted: Wanted) -> Sequence[Shard]:
        """Return a shard for each day and edition."""
        found = []
        for language, asked in _questions(wanted):
            for span, _ in addresses("{YYYY}{MM}{DD}", wanted.days):
                end = day_start(Days(span.end, span.end))
                found.append(Shard(self.name, f"{language} {asked}", day_start(span), end, "", language, asked))
        return found

    async def search(self, shard: Shard, wanted: Wanted, ask: Ask) -> Sought:
        """Ask one day; a full answer cannot be made smaller, and is told."""
        language, country, edition = _EDITIONS[shard.language]
        asked = f"{shard.address} after:{shard.start:%Y-%m-%d} before:{shard.end:%Y-%m-%d}"
        url = f"{self._address}?{urlencode({'q': asked, 'hl': language, 'gl': country, 'ceid': edition})}"
        answer = await ask.get(url)
        if isinstance(answer, Failure):
            return Sought.failed(answer)
        items = await self._reader.run(read_items, answer.body, subject=url)
        if isinstance(items, Failure):
            return Sought.failed(items)
        finds: list[Find] = []
        problem = ""
        for each in items:
            if each.link:
                found = await self._resolved(each, wanted, ask)
                if isinstance(found, Find):
                    finds.append(found)
                else:
                    problem = found
        if problem:  # what could not be looked up now stays open, and is no find that hides its address for good
            return Sought(tuple(finds), ShardState.FAILED, problem)
        if len(items) >= GOOGLE_MOST:
            return Sought(tuple(finds), ShardState.CAPPED, f"{GOOGLE_MOST} items in a day")
        return Sought(tuple(finds))

    async def _resolved(self, item: Item, wanted: Wanted, ask: Ask) -> Find | str:
        """Return the publisher's own address of an item, the item as one that hides it, or why that is not known."""
        title = item.title.removesuffix(f" - {item.outlet}")
        hidden = Find(item.link, title, item.published, item.outlet, is_opaque=True, host=item.outlet_url)
        source = next((each for each in wanted.sources if _is_site(each, item.outlet_url)), None)
        if source is None or item.published is None:
            return hidden
        day = item.published.astimezone(ZoneInfo(source.timezone)).date()
        near = Days(day - timedelta(days=1), day + timedelta(days=2))
        listed, problem = await self._listed(replace(wanted, days=near, sources=(source,), words=()), ask)
        found = next((each for each in listed if is_same_title(title, each)), None)
        return found or (f"{source.name}'s archive, which tells addresses: {problem}" if problem else hidden)

    async def _listed(self, wanted: Wanted, ask: Ask) -> tuple[list[Find], str]:
        """Return what a publisher's archive lists of some days, and why it may be less than there is."""
        found: list[Find] = []
        problem = ""
        todo = list(self._archive.shards(wanted))
        while todo:
            shard = todo.pop()
            key = f"{shard.address} {wanted.days}"
            if (sought := self._shelves.get(key)) is None:
                sought = await self._archive.search(shard, wanted, ask, is_lookup=True)
                if sought.state is ShardState.FAILED and sought.reason not in NOTHING_THERE:
                    problem = sought.reason
                else:
                    self._shelves[key] = sought
            todo += sought.split
            found += sought.finds
        return found, problem


def is_same_title(title: str, listed: Find) -> bool:
    """Return whether a listed page bears a title: as it is written, or as its address spells it."""
    if listed.title and fold(listed.title).text == fold(title).text:
        return True
    # One publisher writes "us" for "U.S." and another "u-s": the letters alone are the same.
    letters = slug(title)[:60].rsplit("-", 1)[0].replace("-", "")
    return len(letters) > 10 and letters in urlsplit(listed.url).path.lower().replace("-", "")


def _is_site(source: Source, url: str) -> bool:
    try:
        return canonical_url(source.homepage).split("/")[2] == canonical_url(normalise_url(url)).split("/")[2]
    except ValueError:
        return False


class BingNewsProvider:
    """Asks Bing News, which knows no days: what it lists of other days is left out."""

    name = "bing-news"

    def __init__(self, reader: Reader, address: str) -> None:
        self._reader = reader
        self._address = address

    def shards(self, wanted: Wanted) -> Sequence[Shard]:
        """Return a shard for each language, over all the days."""
        start, end = day_start(wanted.days), day_start(Days(wanted.days.end, wanted.days.end))
        return [
            Shard(self.name, f"{language} {asked}", start, end, "", language, asked)
            for language, asked in _questions(wanted)
        ]

    async def search(self, shard: Shard, wanted: Wanted, ask: Ask) -> Sought:
        """Turn pages, newest first, until one holds nothing new or all of it is older than the days."""
        finds: dict[str, Find] = {}
        seen: set[str] = set()
        first = 1
        for _ in range(_BING_MOST_PAGES):
            said = {"q": shard.address, "format": "rss", "mkt": _MARKETS[shard.language], "first": str(first)}
            said |= {"qft": 'sortbydate="1"'}
            url = f"{self._address}?{urlencode(said)}"
            answer = await ask.get(url)
            if isinstance(answer, Failure):
                return Sought.failed(answer, list(finds.values()))
            items = await self._reader.run(read_items, answer.body, subject=url)
            if isinstance(items, Failure):
                return Sought.failed(items, list(finds.values()))
            fresh = [each for each in items if each.link and each.link not in seen]
            seen.update(each.link for each in fresh)
            for each in fresh:
                if (address := unwrapped(each.link)) and _may_be(each.published, wanted.days):
                    finds[address] = Find(address, each.title, each.published, each.outlet)
            old = datetime.combine(wanted.days.first, datetime.min.time(), UTC) - timedelta(days=1)
            if not fresh or all(each.published is not None and each.published < old for each in fresh):
                return Sought(tuple(finds.values()))
            first += len(items)
        return Sought(tuple(finds.values()), ShardState.CAPPED, f"more than {_BING_MOST_PAGES} pages of results")


def unwrapped(link: str) -> str:
    """Return the real address out of Bing's own, "" where there is none."""
    parts = urlsplit(link)
    inner = parse_qs(parts.query).get("url", [""])[0] if "apiclick" in parts.path else link
    try:
        return normalise_url(inner)
    except ValueError:
        return ""


def _may_be(published: datetime | None, days: Days) -> bool:
    day = timedelta(days=1)
    return published is None or days.first - day <= published.date() < days.end + day
