"""Records to articles, in a worker: walks a piece of a file, unpacks what may be wanted, and reads it as any page."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from fastwarc.warc import ArchiveIterator, WarcRecord

from crawler.extract.pool import read_page_here
from crawler.markup import decode
from crawler.warc.sift import Passed, Sift, by_head, by_text
from crawler.warc.spans import Problem, Record, walk
from tripoint.domain.backfill import Held
from tripoint.domain.evidence import SECRET_HEADERS
from tripoint.domain.types import Article, Candidate, Found, Page, Source
from tripoint.domain.urls import normalise_url

_TOGETHER = 16  # records that are read by one call of a worker


@dataclass(frozen=True, slots=True)
class Batch:
    """A stretch of a file, and the records in it that may be worth unpacking."""

    records: tuple[Record, ...]
    number: int  #: of all records in it
    passed: Mapping[Passed, int]  #: those that need not be unpacked
    problems: tuple[Problem, ...]
    until: int  #: bytes into the file: where it ends
    is_lost: bool = False  #: what follows is no record, and the next one was not found yet


@dataclass(frozen=True, slots=True)
class Group:
    """What came of reading some records."""

    held: tuple[Held, ...]
    passed: Mapping[Passed, int]


def choose(piece: bytes, start: int, sift: Sift, is_last: bool, is_lost: bool) -> tuple[Batch, ...]:
    """Walk through a piece that lies `start` bytes into its file; nothing where no record ends in it."""
    walked = walk(piece, start, sift.most_bytes, is_last=is_last, is_lost=is_lost)
    batches: list[Batch] = []
    begun = 0
    kept = [at for at, each in enumerate(walked.records) if by_head(each, sift) is None]
    for first in range(0, len(kept), _TOGETHER):
        end = kept[first : first + _TOGETHER][-1] + 1
        batches.append(_batch(walked.records[begun:end], (), sift, walked.records[end - 1].end))
        begun = end
    rest = walked.records[begun:]
    if rest or walked.problems or walked.until != (batches[-1].until if batches else start):
        last = _batch(rest, walked.problems, sift, walked.until)
        batches.append(replace(last, is_lost=walked.is_lost))
    return tuple(batches)


def _batch(records: Sequence[Record], problems: tuple[Problem, ...], sift: Sift, until: int) -> Batch:
    judged = [(each, by_head(each, sift)) for each in records]
    passed = Counter(why for _, why in judged if why is not None)
    return Batch(tuple(each for each, why in judged if why is None), len(records), passed, problems, until)


def read_group(packed: Sequence[tuple[Record, bytes, Source]], sift: Sift, now: datetime) -> Group:
    """Read records, each with its bytes and the source that it belongs to."""
    held: list[Held] = []
    passed: Counter[Passed] = Counter()
    for record, raw, source in packed:
        try:
            found = _read(record, raw, source, sift, now)
        except Exception:  # noqa: BLE001 - the edge: whatever a page does to a parser costs that page
            found = Passed.UNREADABLE
        if isinstance(found, Held):
            held.append(found)
        passed[Passed.READ if isinstance(found, Held) else found] += 1
    return Group(tuple(held), passed)


def _read(record: Record, raw: bytes, source: Source, sift: Sift, now: datetime) -> Held | Passed:
    page = page_of(record, raw, sift.most_bytes, now)
    if not isinstance(page, Page):
        return page
    if why := by_text(decode(page.body, page.content_type), source.language, sift):
        return why
    candidate = Candidate(page.url, source.name, Found.BACKFILL, now)
    found = read_page_here(page, candidate, source)
    if not isinstance(found, Article):
        return Passed.NO_ARTICLE
    # The archive came to know it today, whenever somebody else fetched it.
    return Held(candidate, replace(found, fetched_at=now), page)


def page_of(record: Record, raw: bytes, most_bytes: int, now: datetime) -> Page | Passed:
    """Return the page that a record holds, with its transfer and content encodings undone."""
    body, archived = _unpacked(raw, most_bytes)
    url = normalise_url(record.url)
    at = record.captured or now
    if len(body) > most_bytes:
        return Passed.TOO_LARGE
    if record.kind == "resource":
        return Page(url, url, 200, record.content_type, body, at)
    head = archived.http_headers
    if head is None or head.status_code != 200:
        return Passed.NO_PAGE
    headers = tuple((name, value) for name, value in head.items() if name.lower() not in SECRET_HEADERS)
    content_type = next((value for name, value in headers if name.lower() == "content-type"), "")
    if content_type and "html" not in content_type.lower():
        return Passed.NO_PAGE
    return Page(url, url, 200, content_type, body, at, headers)


def _unpacked(raw: bytes, most_bytes: int) -> tuple[bytes, WarcRecord]:
    """Return the body of a record; where whoever archived it undid its encodings already, as it is."""
    try:
        record = next(iter(ArchiveIterator(io.BytesIO(raw), auto_decode="all")))
        return record.reader.read(most_bytes + 1), record
    except OSError:
        record = next(iter(ArchiveIterator(io.BytesIO(raw), auto_decode="none")))
        return record.reader.read(most_bytes + 1), record
