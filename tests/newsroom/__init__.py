"""A news site on loopback: outlets with feeds, sitemaps and sections, and every way in which a site can disappoint."""

from tests.newsroom.behaviours import (
    Behaviour,
    Charset,
    Drip,
    EmptyBody,
    Encoded,
    Hang,
    Huge,
    Malformed,
    Redirect,
    RedirectLoop,
    Slow,
    Status,
    TooMany,
    Truncated,
    WrongCharset,
)
from tests.newsroom.desk import DeskOutlet, DeskPage, events_of, events_told, load_desk
from tests.newsroom.page import NewsPage, Outlet
from tests.newsroom.process import NewsroomProcess
from tests.newsroom.saved_pages import outlet_from_saved_pages
from tests.newsroom.server import Newsroom
from tests.newsroom.thread import NewsroomThread

__all__ = [
    "Behaviour",
    "Charset",
    "DeskOutlet",
    "DeskPage",
    "Drip",
    "EmptyBody",
    "Encoded",
    "Hang",
    "Huge",
    "Malformed",
    "NewsPage",
    "Newsroom",
    "NewsroomProcess",
    "NewsroomThread",
    "Outlet",
    "Redirect",
    "RedirectLoop",
    "Slow",
    "Status",
    "TooMany",
    "Truncated",
    "WrongCharset",
    "events_of",
    "events_told",
    "load_desk",
    "outlet_from_saved_pages",
]
