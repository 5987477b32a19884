"""Read the seeds: from the installed package, or from the folder that `tripoint init` copied out."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from tripoint.app.calibrated import load_fitted
from tripoint.domain.archives import PLACES, fault_of
from tripoint.domain.errors import Place, SeedError, SettingsError
from tripoint.domain.seedfile import SeedTable, read_seed
from tripoint.domain.text import one_line
from tripoint.domain.types import OUTLET_KINDS, Source
from tripoint.relevance.lexicon import Lexicon, parse_lexicon
from tripoint.relevance.topic import Topic, parse_topic
from tripoint.stories.glossary import Glossary, Term, parse_terms
from tripoint.stories.grouping import Grouping, parse_grouping
from tripoint.stories.wires import Wires, parse_wires

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_COPIED = ".copied.json"
GROUPING = "stories.json"  #: the weights by which reports are grouped into stories


@dataclass(frozen=True, slots=True)
class Seeds:
    """Everything that the seeds say, checked."""

    sources: tuple[Source, ...]
    lexicon: Lexicon
    all_topics: tuple[Topic, ...]
    wires: Wires
    glossary: Glossary
    grouping: Grouping
    parts: Mapping[str, str] = field(default_factory=dict)  #: see `fingerprints`; taken before anything was read

    @property
    def countries(self) -> dict[str, str]:
        """The country of each source, by name."""
        return {each.name: each.country for each in self.sources}

    @property
    def timezones(self) -> dict[str, str]:
        """The time zone of each source, by name."""
        return {each.name: each.timezone for each in self.sources}

    @property
    def topics(self) -> tuple[Topic, ...]:
        """The topics that articles are judged by."""
        return tuple(each for each in self.all_topics if each.is_enabled)


@dataclass(frozen=True, slots=True)
class Copied:
    """What `tripoint init` did with one file."""

    path: str  #: relative to the folder
    action: str  #: written, updated, unchanged or kept


def choose(sources: tuple[Source, ...], names: Sequence[str]) -> list[Source]:
    """Return the sources of these names, or all; raises `SettingsError` for a name that there is not."""
    known = {each.name: each for each in sources}
    for name in names:
        if name not in known:
            raise SettingsError(f"there is no source `{name}`", "`tripoint sources list` shows them")
    return [known[name] for name in names] if names else list(sources)


def packaged_seeds() -> Traversable:
    """Return the folder of seeds that the wheel carries."""
    return resources.files("seeds")


def _walk(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        if entry.name.startswith((".", "__")):
            continue
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        elif not entry.name.endswith((".py", ".pyc")):
            yield prefix + entry.name, entry


def _tables(root: Traversable, folder: str) -> list[SeedTable]:
    directory = root / folder
    label = f"{root}/{folder}"
    if not directory.is_dir():
        raise SeedError(Place(label), "the folder is missing", "run `tripoint init` on the folder again")
    tables = []
    for name, file in _walk(directory):
        if not name.endswith(".toml"):
            continue
        place = f"{label}/{name}"
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise SeedError(Place(place), f"not UTF-8: {error.reason}", "save the file as UTF-8") from error
        tables.append(read_seed(place, text))
    if not tables:
        raise SeedError(Place(label), "holds no .toml file", "run `tripoint init` on the folder again")
    return tables


def load_seeds(folder: Path | None = None, *, with_fit: bool = True) -> Seeds:
    """Read sources, lexicon and topics from a folder, or from the package; `with_fit` takes its weights.

    Raises `SeedError` for the first mistake: one line with file, line, problem and mend.
    """
    root: Traversable = folder if folder is not None else packaged_seeds()
    parts = fingerprints(folder) if folder is None or folder.is_dir() else {}
    sources = parse_sources(_tables(root, "sources"))
    lexicon = parse_lexicon(_tables(root, "lexicon"))
    fitted = load_fitted(root, str(root)) if with_fit else None
    topics = tuple(parse_topic(table, lexicon, fitted) for table in _tables(root, "topics"))
    _check_topics(root, topics)
    wires = parse_wires(_tables(root, "wires"), lexicon.ids)
    return Seeds(sources, lexicon, topics, wires, Glossary(load_glossary(root)), _grouping(root), parts)


_UNUSED = frozenset({"examples"})  # only `calibrate` reads them


def fingerprints(folder: Path | None = None) -> dict[str, str]:
    """Return a hash of each part of the seeds that a service uses, as it lies there now, by its folder or file."""
    root: Traversable = folder if folder is not None else packaged_seeds()
    parts: dict[str, list[str]] = {}
    for name, file in _walk(root):
        if (part := name.partition("/")[0]) not in _UNUSED:
            parts.setdefault(part, []).append(name + _hash(file.read_bytes()))
    return {part: _hash("".join(each).encode()) for part, each in parts.items()}


def changed_parts(old: Seeds, new: Seeds) -> list[str]:
    """Return the folders and files that differ, of those that a service uses."""
    every = old.parts.keys() | new.parts.keys()
    return [each for each in sorted(every) if old.parts.get(each) != new.parts.get(each)]


def load_glossary(root: Traversable) -> tuple[Term, ...]:
    """Read and check what two languages call one thing."""
    return parse_terms(_tables(root, "glossary"))


def _grouping(root: Traversable) -> Grouping:
    place = Place(f"{root}/{GROUPING}")
    mend = "delete it and run `tripoint init` on the folder again"
    try:
        return parse_grouping(json.loads((root / GROUPING).read_text(encoding="utf-8")))
    except OSError as error:
        raise SeedError(place, "the file is missing", "run `tripoint init` on the folder again") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SeedError(place, f"damaged: {one_line(str(error))}", mend) from error


def _check_topics(root: Traversable, topics: Sequence[Topic]) -> None:
    names = [each.name for each in topics]
    place = Place(f"{root}/topics")
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise SeedError(place, f'two topics are called "{twice}"', "rename one of them")
    if not any(each.is_enabled for each in topics):
        raise SeedError(place, "no topic is enabled", "write `enabled = true` in one of the files")


def parse_sources(tables: Sequence[SeedTable]) -> tuple[Source, ...]:
    """Check and return every source of the catalogue, in the order of the files."""
    sources: dict[str, Source] = {}
    places: dict[str, Place] = {}
    for table in tables:
        for entry in table.tables("source"):
            source = _source(entry)
            if source.name in sources:
                raise entry.error(
                    "name", f'the name "{source.name}" is taken by {places[source.name]}', "choose another name"
                )
            sources[source.name] = source
            places[source.name] = entry.place("name")
        table.done()
    return tuple(sources.values())


def _source(entry: SeedTable) -> Source:
    source = Source(
        name=entry.text("name"),
        outlet=entry.text("outlet"),
        language=entry.text("language"),
        country=entry.text("country"),
        timezone=entry.text("timezone"),
        homepage=_web_address(entry, "homepage", entry.text("homepage")),
        feeds=_web_addresses(entry, "feeds"),
        sitemaps=_web_addresses(entry, "sitemaps"),
        sections=_web_addresses(entry, "sections"),
        archives=tuple(_archive(entry, each) for each in entry.texts("archives", ())),
        search=_search(entry, entry.text("search", "")),
        search_link=entry.text("search_link", ""),
        article_pattern=entry.text("article_pattern", ""),
        wire=entry.flag("wire", False),
        verified=entry.flag("verified", False),
        enabled=entry.flag("enabled", True),
        learned=entry.text("learned", ""),
        kind=entry.text("kind", ""),
    )
    entry.done()
    _check_source(entry, source)
    return source


def _check_source(entry: SeedTable, source: Source) -> None:
    if not _NAME.fullmatch(source.name):
        raise entry.error("name", f'"{source.name}" is no name', "use small letters, digits and hyphens")
    if not re.fullmatch(r"[a-z]{2}", source.language):
        raise entry.error("language", f'"{source.language}" is no language code', 'write two letters, such as "vi"')
    if not re.fullmatch(r"[A-Z]{2}", source.country):
        raise entry.error("country", f'"{source.country}" is no country code', 'write two capitals, such as "VN"')
    try:
        ZoneInfo(source.timezone)
    except (KeyError, ValueError, OSError) as error:
        mend = 'write an IANA name, such as "Asia/Ho_Chi_Minh"'
        raise entry.error("timezone", f'"{source.timezone}" is no time zone', mend) from error
    try:
        re.compile(source.article_pattern)
    except re.error as error:
        raise entry.error("article_pattern", f"not a regular expression: {error}", "mend the pattern") from error
    if source.kind and source.kind not in OUTLET_KINDS:
        raise entry.error("kind", f'"{source.kind}" is no kind of outlet', f"known are {', '.join(OUTLET_KINDS)}")
    if not source.listings:
        raise entry.error("", f'"{source.name}" lists nothing to read', "add feeds, sitemaps or sections")


def _archive(entry: SeedTable, pattern: str) -> str:
    """Check the address of an archive, with or without places for a day."""
    if fault := fault_of(pattern):
        raise entry.error("archives", f'"{pattern}" {fault}', f"known are {', '.join(PLACES)}")
    _web_address(entry, "archives", _plain(pattern))
    return pattern


def _search(entry: SeedTable, pattern: str) -> str:
    """Check the address of a search page."""
    if not pattern:
        return ""
    if "{query}" not in pattern:
        raise entry.error("search", f'"{pattern}" has no {{query}}', "put {query} where it belongs")
    if unknown := set(re.findall(r"\{[^{}]*\}", pattern)) - {"{query}", "{page}"}:
        known = "known are {query} and {page}"
        raise entry.error("search", f'"{pattern}" has a place {min(unknown)} that I do not know', known)
    _web_address(entry, "search", _plain(pattern))
    return pattern


def _plain(pattern: str) -> str:
    return re.sub(r"\{[^{}]*\}", "1", pattern)


def _web_addresses(entry: SeedTable, key: str) -> tuple[str, ...]:
    return tuple(_web_address(entry, key, url) for url in entry.texts(key, ()))


def _web_address(entry: SeedTable, key: str, url: str) -> str:
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        port_is_fine = False
    if not port_is_fine or parts.scheme not in {"http", "https"} or not parts.hostname or re.search(r"\s", url):
        raise entry.error(key, f'"{url}" is no web address', "begin with https:// and name a host")
    return url


def copy_seeds(folder: Path) -> tuple[Copied, ...]:
    """Copy the packaged seeds into a folder for editing, and never overwrite an edited file.

    A file that is still as an earlier `init` wrote it is brought up to date; what was written is remembered in
    `.copied.json` by its hash. Raises `SeedError` when the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _copy_into(folder)
    except OSError as error:
        place = Place(str(folder))
        raise SeedError(place, f"cannot write: {error.strerror}", "choose a folder that you may write to") from error


def _copy_into(folder: Path) -> tuple[Copied, ...]:
    record = folder / _COPIED
    try:
        known: dict[str, str] = json.loads(record.read_text()) if record.exists() else {}
    except json.JSONDecodeError:
        known = {}  # then every file that differs counts as edited, which is the safe side
    done = []
    for name, file in _walk(packaged_seeds()):
        fresh = file.read_bytes()
        target = folder / name
        action = _action(target, fresh, known.get(name, ""))
        if action in {"written", "updated"}:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(fresh)
        if action != "kept":
            known[name] = _hash(fresh)
        done.append(Copied(name, action))
    record.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
    return tuple(done)


def _action(target: Path, fresh: bytes, as_copied: str) -> str:
    if not target.exists():
        return "written"
    here = target.read_bytes()
    if here == fresh:
        return "unchanged"
    return "updated" if _hash(here) == as_copied else "kept"


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
