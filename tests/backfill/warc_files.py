"""WARC files of the pages of past outlets, written by a few lines of our own, so that each mistake can be written too."""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from tests.house import House, entry
from tests.newsroom.past import PastOutlet, html_of
from tripoint.domain.backfill import Shard

HTML = "Content-Type: text/html; charset=utf-8"


def base_of(outlet: PastOutlet) -> str:
    """Return the address of an outlet that only archives know."""
    return f"https://{outlet.name}.example"


def record(
    url: str,
    body: bytes,
    captured: str = "2018-09-20T01:02:03Z",
    *,
    head: str = f"HTTP/1.1 200 OK\r\n{HTML}",
    kind: str = "response",
    content_type: str = "application/http; msgtype=response",
) -> bytes:
    """Return one record, not packed; `head` may be empty, where the content is the body alone."""
    content = (f"{head}\r\n\r\n".encode() if head else b"") + body
    number = UUID(int=random.Random(url).getrandbits(128))  # noqa: S311 - the same name for the same address
    said = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:{number}>\r\nWARC-Date: {captured}\r\n"
        f"WARC-Target-URI: {url}\r\nContent-Type: {content_type}\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return said.encode() + content + b"\r\n\r\n"


def info() -> bytes:
    """Return the record that begins a file."""
    return record("", b"software: tests\r\n", head="", kind="warcinfo", content_type="application/warc-fields").replace(
        b"WARC-Target-URI: \r\n", b""
    )


def records_of(outlets: Sequence[PastOutlet]) -> list[bytes]:
    """Return a record for each page, captured a day after it was published, with the requests between them."""
    found = [info()]
    pages = sorted(((page.published, outlet, page) for outlet in outlets for page in outlet.pages), key=lambda e: e[0])
    for published, outlet, page in pages:
        url = base_of(outlet) + page.path
        captured = f"{published + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
        asked = record(url, b"", captured, head="GET / HTTP/1.1", kind="request")
        found += [asked, record(url, html_of(outlet, page, base_of(outlet)), captured)]
    return found


def packed(records: Iterable[bytes]) -> bytes:
    """Return records as a .warc.gz holds them: each by itself."""
    return b"".join(gzip.compress(each, mtime=0) for each in records)


def write(path: Path, records: Sequence[bytes]) -> Path:
    """Write a file, packed if it is called so."""
    path.write_bytes(packed(records) if path.name.endswith(".gz") else b"".join(records))
    return path


def knows(house: House, outlets: Sequence[PastOutlet]) -> None:
    """Write outlets into a house's catalogue."""
    entries = [entry(each, base_of(each), f'feeds = ["{base_of(each)}/rss.xml"]\n') for each in outlets]
    (house.folder / "seeds" / "sources" / "newsroom.toml").write_text("\n".join(entries), encoding="utf-8")


def shard(path: Path) -> Shard:
    """Return a shard that reads a file."""
    start = datetime.fromisoformat("2018-07-01T00:00:00+00:00")
    return Shard("warc", str(path), start, start + timedelta(days=90), address=str(path))
