"""Settings: tripoint.toml, then the environment (TRIPOINT_SECTION__KEY), then options, each stronger than the last."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

import platformdirs
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from tripoint.domain.errors import Place, SettingsError
from tripoint.domain.seedfile import lines_of

PREFIX = "TRIPOINT_"
SETTINGS_FILE = "tripoint.toml"


def _known_zone(name: str) -> str:
    if name and name not in available_timezones():
        raise ValueError(f"`{name}` is no time zone; write one such as Asia/Ho_Chi_Minh")
    return name


class Section(BaseModel):
    """A section of the settings; keys that it does not know are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DatabaseSettings(Section):
    """Where everything is kept."""

    url: str = Field(default="", description="SQLAlchemy URL; empty means SQLite in the user's data folder.")


class SeedsSettings(Section):
    """Which seeds are read."""

    folder: Path | None = Field(
        default=None, description="A folder made by `tripoint init`; empty means the packaged ones."
    )


class CrawlSection(Section):
    """How politely and how widely pages are fetched."""

    user_agent: str = Field(default="Tripoint/0.1 (+https://pypi.org/project/tripoint/)", min_length=3)
    contact: str = Field(default="", description="An address that a webmaster can write to; added to the user agent.")
    delay_s: float = Field(default=1.0, ge=0, description="Least time between two requests to one host.")
    concurrency: int = Field(default=100, ge=1, le=256, description="Hosts that are read beside each other.")
    per_host: int = Field(default=2, ge=1, le=64, description="Requests in flight to one host.")
    timeout_s: float = Field(default=20.0, gt=0, description="Longest wait for one page.")
    max_page_bytes: int = Field(default=8 * 1024 * 1024, ge=1024, description="A larger page is not read.")
    max_pages_per_source: int = Field(default=200, ge=1, description="Pages that one pass fetches from one source.")
    max_new_per_run: int = Field(
        default=20_000, ge=1, description="New addresses that one crawl takes on; what is left out is said."
    )
    max_waiting_per_host: int = Field(
        default=5_000, ge=1, description="Pages of one host that may wait for a source; what is left out is said."
    )
    section_pages: int = Field(
        default=3, ge=1, description="Pages of a section that one pass reads, as long as all that they list is new."
    )
    follow_links: Literal["none", "relevant", "all"] = Field(
        default="relevant",
        description="In which articles links to others of the same outlet are followed: none, relevant or all. "
        "One step only: what was found by a link is not searched for links.",
    )
    links_per_article: int = Field(default=5, ge=0, description="Links that are followed in one article.")
    obey_robots: bool = Field(default=True, description="Whether robots.txt is obeyed.")
    allowed_hosts: list[str] = Field(
        default_factory=list,
        description="Names, addresses or networks inside yours that may be fetched from all the same.",
    )
    revisit_h: list[float] = Field(
        default_factory=lambda: [1.0, 6.0, 24.0, 72.0],
        description="Hours after which a relevant page is looked at again for changes; [] for never.",
    )
    extract_timeout_s: float = Field(default=20.0, gt=0, description="A page that takes longer to read is given up.")
    workers: int = Field(default=0, ge=0, le=256, description="Processes that read pages; 0 means one a core.")


class RunSection(Section):
    """What the service does, and when."""

    interval_s: float = Field(
        default=600.0, ge=1, description="Time between two visits to a listing, until its own rhythm is known."
    )
    min_interval_s: float = Field(default=120.0, ge=1, description="A busy listing is not visited sooner than this.")
    max_interval_s: float = Field(default=1800.0, ge=1, description="A quiet listing is visited at least this often.")
    stop_within_s: float = Field(
        default=8.0, gt=0, le=10, description="Time that work in flight gets to end on SIGTERM."
    )
    timezone: Annotated[str, AfterValidator(_known_zone)] = Field(
        default="Asia/Ho_Chi_Minh",
        min_length=1,
        description="Whose clock the jobs go by that run at a time of the day (IANA name).",
    )
    fetchers: Literal["own", "workers"] = Field(
        default="own", description="Who fetches: this process, or `tripoint worker` processes on one PostgreSQL."
    )
    standby: bool = Field(
        default=False,
        description="Whether a service waits for its turn while another works on the same PostgreSQL, and takes over.",
    )
    worker_at_once: int = Field(default=16, ge=1, le=256, description="Sources that one worker reads at a time.")
    worker_silent_s: float = Field(
        default=30.0, ge=2, description="A worker that says nothing for so long is given up, and another reads on."
    )


class BackfillSection(Section):
    """Searching the past: whom to ask, and how patiently. Each address may be that of a mirror."""

    retry_s: float = Field(default=5.0, ge=0, description="Wait before a question is repeated; doubles each time.")
    gdelt_url: str = Field(default="https://api.gdeltproject.org/api/v2/doc/doc", description="GDELT's article lists.")
    google_news_url: str = Field(default="https://news.google.com/rss/search", description="Google News as RSS.")
    bing_news_url: str = Field(default="https://www.bing.com/news/search", description="Bing News as RSS.")
    cdx_url: str = Field(default="https://web.archive.org/cdx/search/cdx", description="The Wayback Machine's index.")
    snapshot_url: str = Field(default="https://web.archive.org/web", description="The Wayback Machine's copies.")
    cc_news_url: str = Field(default="https://data.commoncrawl.org", description="Common Crawl's files.")
    cc_news_part_mb: int = Field(
        default=32, ge=1, le=1024, description="Megabytes of a file of CC-NEWS that one request asks for."
    )
    cc_news_timeout_s: float = Field(default=300.0, gt=0, description="Longest wait for such a part.")
    cc_news_attempts: int = Field(
        default=30, ge=1, description="How often a part is asked for; `503 Slow Down` is an everyday answer there."
    )
    ray: str = Field(
        default="",
        description="A Ray cluster that reads WARC files: its address, or `local` to start one here; empty for none.",
    )
    gdelt_pause_s: float = Field(default=5.0, ge=0, description="Least time between two questions to GDELT.")
    at_once: int = Field(default=8, ge=1, le=64, description="Windows of one provider asked beside each other.")
    batch: int = Field(default=400, ge=1, description="New pages after which they are fetched before more is asked.")
    prematch: bool = Field(
        default=True,
        description="Whether a page of a WARC file must hold a name of a topic's core before it is read.",
    )


class AlertsSection(Section):
    """Who hears what."""

    policies: Path | None = Field(
        default=None, description="A file of rules in the place of the seeds' policies.toml; says who hears what."
    )
    templates: Path | None = Field(
        default=None, description="A folder with templates in the place of ours; `alerts/layout/` has their names."
    )
    max_age_h: float = Field(
        default=72.0, gt=0, description="An article published longer ago is told in a summary; a rule may say its own."
    )
    allowed_hosts: list[str] = Field(
        default_factory=list,
        description="Names, addresses or networks inside yours that webhooks may go to, such as your own Mattermost.",
    )
    operator: list[str] = Field(
        default_factory=list, description="Channels that hear of sources that fall silent; all of them if empty."
    )
    min_score: float | None = Field(default=None, ge=0, le=1, description="No rule tells of a lower score, if set.")
    max_attempts: int = Field(default=12, ge=1, description="Attempts before an alert is given up.")
    first_retry_s: float = Field(
        default=30.0, gt=0, description="Wait after the first failed attempt; doubles each time."
    )
    timeout_s: float = Field(default=60.0, gt=0, description="Longest wait for one service.")


class WebSection(Section):
    """The page that shows the archive."""

    enabled: bool = Field(default=True, description="Whether `tripoint run` serves the page.")
    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Address to listen on; beyond loopback it is refused without a token.",
    )
    port: int = Field(default=8734, ge=0, le=65535, description="Port to listen on; 0 takes any that is free.")
    token_env: str = Field(default="", description="Name of the environment variable that holds the token.")
    token_file: Path | None = Field(default=None, description="File, outside the repository, that holds the token.")
    public_url: str = Field(
        default="", description="Address under which others reach the page, such as that of a proxy with TLS."
    )
    language: Literal["", "en", "vi"] = Field(
        default="", description="Language of the page; empty asks each reader's browser."
    )


class EvidenceSection(Section):
    """How long the pages of relevant articles are kept."""

    keep_days: float = Field(
        default=0.0,
        ge=0,
        description="A page fetched longer ago is forgotten each night, and by `tripoint evidence --prune`; 0 never.",
    )


def _days(default: float, what: str) -> Any:
    return Field(default=default, ge=0, description=f"Days for which {what}; 0 for ever.")


class RetentionSection(Section):
    """What the nightly job forgets, and when. It never deletes an article: `tripoint prune` does."""

    evidence_days: float = _days(90, "pages of articles are kept that no topic calls relevant any more")
    frontier_days: float = _days(365, "the addresses of pages are kept that were read; an article is known by itself")
    failures_days: float = _days(90, "failures and pages without an article are kept")
    attempts_days: float = _days(730, "each attempt to deliver an alert is kept; the alert itself stays")
    decisions_days: float = _days(730, "it is kept why an article was told or not")
    coverage_days: float = _days(730, "it is kept what was seen of each listing")


class ChannelSection(Section):
    """One place to which alerts go. The address holds secrets: it comes from the environment or a file."""

    url: str = Field(default="", repr=False, description="Apprise URL; in tripoint.toml only for console://.")
    url_env: str = Field(default="", description="Name of the environment variable that holds the Apprise URL.")
    url_file: Path | None = Field(default=None, description="File, outside the repository, that holds the Apprise URL.")
    tags: list[str] = Field(default_factory=list, description="Rules may name the channel by these: `tag:NAME`.")
    language: Literal["en", "vi"] = Field(default="en", description="Language of the fixed words of its messages.")
    timezone: Annotated[str, AfterValidator(_known_zone)] = Field(
        default="", description="IANA zone of those who read it; empty shows an outlet's own time."
    )
    format: Literal["text", "markdown", "html", ""] = Field(default="", description="Empty lets the service choose.")
    enabled: bool = True


def _console() -> dict[str, ChannelSection]:
    return {"console": ChannelSection(url="console://")}


class Settings(BaseSettings):
    """Every setting of Tripoint."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    database: DatabaseSettings = DatabaseSettings()
    seeds: SeedsSettings = SeedsSettings()
    crawl: CrawlSection = CrawlSection()
    run: RunSection = RunSection()
    backfill: BackfillSection = BackfillSection()
    alerts: AlertsSection = AlertsSection()
    web: WebSection = WebSection()
    evidence: EvidenceSection = EvidenceSection()
    retention: RetentionSection = RetentionSection()
    channels: dict[str, ChannelSection] = Field(default_factory=_console)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take values only as they are handed in: `load_settings` has already put them in order."""
        return (init_settings,)

    @property
    def database_url(self) -> str:
        """The URL of the database, the default filled in."""
        return self.database.url or f"sqlite:///{Path(platformdirs.user_data_dir('tripoint', False)) / 'tripoint.db'}"


def load_settings(file: Path | None, options: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings; `options` is nested by section and holds only what was given on the command line.

    Raises `SettingsError`: one line with the place, the problem and the mend.
    """
    from_file = _read_file(file)
    for name, channel in from_file.get("channels", {}).items():
        if isinstance(channel, dict) and not str(channel.get("url", "console://")).startswith("console://"):
            raise SettingsError(
                f"{file}: channels.{name}.url may hold a secret",
                f"move it to {PREFIX}CHANNELS__{name.upper()}__URL in the environment, or use url_env or url_file",
            )
    from_environment = _read_environment(environ)
    values = _merge(_merge(from_file, from_environment), options)
    try:
        return Settings(**values)
    except ValidationError as error:
        problem, mend = _first_problem(error)
        place = _place(error.errors()[0]["loc"], file or Path(SETTINGS_FILE), from_file, from_environment, options)
        raise SettingsError(place + problem, mend) from None  # the cause would show the value, which may be a secret


def _place(
    loc: Sequence[int | str],
    file: Path,
    from_file: Mapping[str, Any],
    from_environment: Mapping[str, Any],
    options: Mapping[str, Any],
) -> str:
    """Return where a value was written that cannot be: a line of the file, a variable, or nothing for an option."""
    if _holds(options, loc):
        return ""
    if _holds(from_environment, loc):
        return f"{PREFIX}{'__'.join(str(each) for each in loc).upper()}: "
    if not _holds(from_file, loc[:1]):
        return ""
    lines = lines_of(file.read_text(encoding="utf-8"))
    line = next((lines[path] for end in range(len(loc), 0, -1) if (path := tuple(loc[:end])) in lines), 0)
    return f"{Place(str(file), line)}: "


def _holds(values: Mapping[str, Any], loc: Sequence[int | str]) -> bool:
    here: Any = values
    for each in loc:
        if not isinstance(here, Mapping) or each not in here:
            return False
        here = here[each]
    return True


def _read_file(file: Path | None) -> dict[str, Any]:
    chosen = file or Path(SETTINGS_FILE)
    if not chosen.exists():
        if file is None:
            return {}
        raise SettingsError(f"{file}: no such file", "name an existing file with --settings")
    try:
        return tomllib.loads(chosen.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{chosen}: not valid TOML: {error}", "mend that line") from error
    except OSError as error:
        raise SettingsError(f"{chosen}: {error.strerror}", "check the file's permissions") from error


def _read_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return TRIPOINT_* as nested values; `TRIPOINT_SETTINGS` names the file and is read by the command line."""
    relevant = {key: value for key, value in environ.items() if key.upper().startswith(PREFIX) and "__" in key}
    values: dict[str, Any] = {}
    sections = set(Settings.model_fields)
    for key, value in relevant.items():
        parts = [part.lower() for part in key[len(PREFIX) :].split("__")]
        if parts[0] not in sections or len(parts) != (3 if parts[0] == "channels" else 2):
            raise SettingsError(f"{key} names no setting", _nearest(parts[0], sections))
        here = values
        for part in parts[:-1]:
            here = here.setdefault(part, {})
        here[parts[-1]] = value
    _refuse_unknown_variables(environ)
    return values


_OTHER_VARIABLES = frozenset({"TRIPOINT_SETTINGS", "TRIPOINT_LOG_FORMAT", "TRIPOINT_REQUIRE_SERVERS"})


def _refuse_unknown_variables(environ: Mapping[str, str]) -> None:
    for key in environ:
        if key.startswith(PREFIX) and "__" not in key and key not in _OTHER_VARIABLES:
            raise SettingsError(f"{key} names no setting", f"write it as {PREFIX}SECTION__KEY, or unset it")


def _merge(weak: Mapping[str, Any], strong: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(weak)
    for key, value in strong.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merge(merged[key], value) if both else value
    return merged


def _first_problem(error: ValidationError) -> tuple[str, str]:
    problem = error.errors(include_input=False, include_url=False, include_context=False)[0]
    place = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"unknown setting `{place}`", _nearest(str(problem["loc"][-1]), _known_keys(problem["loc"]))
    return (
        f"setting `{place}`: {problem['msg'][:1].lower()}{problem['msg'][1:]}",
        "`tripoint doctor` lists every setting",
    )


def _known_keys(loc: tuple[int | str, ...]) -> Iterable[str]:
    if len(loc) == 1:
        return Settings.model_fields
    if loc[0] == "channels":
        return ChannelSection.model_fields
    section = Settings.model_fields[str(loc[0])].annotation
    return section.model_fields if isinstance(section, type) and issubclass(section, BaseModel) else ()


def _nearest(word: str, known: Iterable[str]) -> str:
    choices = sorted(known)
    near = difflib.get_close_matches(word, choices, n=1)
    return f"did you mean `{near[0]}`?" if near else f"known are {', '.join(choices)}"
