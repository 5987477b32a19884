"""What a crawl may do, and Scrapy's settings made of it: its unsafe defaults are turned off here, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

UNREAD = 8  # pages of a source that may be fetched and not stored yet
WINDOW = 2  # requests under way to a source for each that its host may have in flight


@dataclass(frozen=True, slots=True)
class CrawlSettings:
    """How politely and how widely pages are fetched."""

    user_agent: str
    delay_s: float = 1.0  #: least time between two requests to one host
    concurrency: int = 100  #: hosts that are read beside each other
    per_host: int = 2  #: requests in flight to one host
    timeout_s: float = 20.0  #: longest wait for one answer
    max_page_bytes: int = 8 * 1024 * 1024
    max_pages_per_source: int = 200  #: in one pass
    max_new_per_run: int = 20_000  #: addresses that one crawl takes on
    section_pages: int = 3  #: of one section in one pass, while all that they list is new
    follow_links: Literal["none", "relevant", "all"] = "relevant"  #: in which articles links are followed, one step
    links_per_article: int = 5
    obey_robots: bool = True
    allowed_hosts: tuple[str, ...] = ()  #: names, addresses or networks inside that may be fetched from


def scrapy_settings(settings: CrawlSettings) -> dict[str, Any]:
    """Return the settings of one crawl."""
    return {
        "USER_AGENT": settings.user_agent,
        "ROBOTSTXT_USER_AGENT": settings.user_agent.split("/")[0],
        "DOWNLOAD_DELAY": settings.delay_s,
        # Scrapy counts what waits for its host's turn, too, and would keep other hosts waiting for it.
        "CONCURRENT_REQUESTS": settings.concurrency * WINDOW * settings.per_host,
        # Scrapy starts so many tasks for each answer to put what a callback yields in line; ours yields requests, which
        # none of them waits for.
        "CONCURRENT_ITEMS": 1,
        "DOWNLOAD_DELAY_JITTER": 0.0,  # it would make some waits half as long as was promised
        "CONCURRENT_REQUESTS_PER_DOMAIN": settings.per_host,
        # A host that answers slowly is asked less often; one with a Crawl-delay keeps exactly that (crawler/robots.py).
        "AUTOTHROTTLE_ENABLED": settings.delay_s > 0,
        "AUTOTHROTTLE_START_DELAY": settings.delay_s,
        "AUTOTHROTTLE_MAX_DELAY": max(30.0, settings.delay_s),
        "AUTOTHROTTLE_TARGET_CONCURRENCY": float(settings.per_host),
        "DOWNLOAD_TIMEOUT": settings.timeout_s,
        "DOWNLOAD_MAXSIZE": settings.max_page_bytes,
        "DOWNLOAD_WARNSIZE": 0,
        "DOWNLOAD_FAIL_ON_DATALOSS": True,
        "DOWNLOAD_VERIFY_CERTIFICATES": True,
        "REDIRECT_MAX_TIMES": 5,
        # A failed page is tried again through the frontier, which outlives this process and keeps Retry-After.
        "RETRY_ENABLED": False,
        "COOKIES_ENABLED": False,
        "METAREFRESH_ENABLED": False,
        "REFERRER_POLICY": "no-referrer",
        "HTTPCACHE_ENABLED": False,
        "DUPEFILTER_CLASS": "scrapy.dupefilters.BaseDupeFilter",
        "DOWNLOADER_MIDDLEWARES": _middlewares(settings),
        # On by default, each of these is a way in or a way out that a crawler has no use for.
        "REMOTE_CONTROL_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
        "DOWNLOAD_HANDLERS": {
            **dict.fromkeys(("data", "file", "ftp", "s3")),
            **dict.fromkeys(("http", "https"), "crawler.turns.TurnHandler"),
        },
        # It reads the peak, so that one spike would close every later crawl of the process.
        "MEMUSAGE_ENABLED": False,
        "LOGSTATS_INTERVAL": 0,
        "LOG_ENABLED": False,
        "EXTENSIONS": {
            "scrapy.extensions.corestats.CoreStats": None,
            "scrapy.extensions.logstats.LogStats": None,
        },
    }


def _middlewares(settings: CrawlSettings) -> dict[str, int | None]:
    ours = {"crawler.robots.HoldMiddleware": 50, "crawler.metering.MeterMiddleware": 950}
    if settings.obey_robots:
        ours["crawler.robots.RobotsMiddleware"] = 100
    return {"scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None, **ours}
