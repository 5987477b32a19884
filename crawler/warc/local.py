"""WARC files on this machine: whoever made them, they are read as if their pages had just been fetched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from crawler.warc.parts import DiskParts
from crawler.warc.search import FileSearch, sites_of
from crawler.warc.sift import Sift
from crawler.warc.spans import NoWarcError, check_start
from tripoint.domain.backfill import Ask, Shard, Sought, Wanted, bounds, day_start
from tripoint.domain.errors import SettingsError
from tripoint.domain.when import Days
from tripoint.relevance.prematch import Cues

SUFFIXES = (".warc", ".warc.gz")
_HEAD_BYTES = 256 * 1024
_MARGIN = timedelta(days=1)  # clocks of those who capture pages may be wrong


def warc_files(path: Path) -> tuple[Path, ...]:
    """Return the WARC files that a path names: itself, or all below it; raises `SettingsError` where there are none."""
    asked = f"--via warc:{path}"
    try:
        if path.is_dir():
            found = tuple(sorted(each for each in path.rglob("*") if each.name.endswith(SUFFIXES) and each.is_file()))
            if not found:
                raise SettingsError(
                    f"{asked}: there is no {' or '.join(SUFFIXES)} file below it", "name another folder"
                )
            return found
        with path.open("rb") as file:
            check_start(file.read(_HEAD_BYTES))
    except OSError as error:
        raise SettingsError(f"{asked}: {error.strerror}", "name a WARC file, or a folder that holds some") from error
    except NoWarcError as error:
        raise SettingsError(f"{asked}: {error}", "name a .warc or .warc.gz file") from error
    return (path,)


@dataclass(frozen=True, slots=True)
class Sieve:
    """How the settings want WARC files sifted."""

    has_prematch: bool  #: whether a page must hold a name of a topic before it is read
    most_bytes: int  #: of a page

    def sift(self, wanted: Wanted) -> Sift:
        """Return what to look for in a file."""
        names = wanted.names if self.has_prematch and not wanted.words else ()
        return Sift(
            wanted.days,
            bounds(wanted.days, [each.timezone for each in wanted.sources])[0] - _MARGIN,
            frozenset(sites_of(wanted.sources)),
            wanted.only_sources,
            frozenset(wanted.languages),
            Cues(names, wanted.words) if names or wanted.words else None,
            self.most_bytes,
        )


class WarcProvider:
    """Reads files, each a shard that is resumed at a record."""

    name = "warc"

    def __init__(self, search: FileSearch, sieve: Sieve, paths: Sequence[Path]) -> None:
        """Raises `SettingsError` for a path that holds no WARC file."""
        self._search = search
        self._sieve = sieve
        self._files = tuple(dict.fromkeys(file for path in paths for file in warc_files(path)))

    def shards(self, wanted: Wanted) -> Sequence[Shard]:
        """Return a shard for each file."""
        start, end = day_start(wanted.days), day_start(Days(wanted.days.end, wanted.days.end))
        return [Shard(self.name, str(each), start, end, address=str(each)) for each in self._files]

    async def search(self, shard: Shard, wanted: Wanted, ask: Ask) -> Sought:
        """Read a file, or the rest of it."""
        parts = DiskParts(Path(shard.address))
        return await self._search.search(shard, parts, self._sieve.sift(wanted), wanted.sources)
