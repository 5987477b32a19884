"""Outlets written for tests and the demo: texts in TOML files, pages from each outlet's own templates."""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jinja2

from tests.newsroom.charsets import encode_text, with_document_charset
from tests.newsroom.desk_files import DeskText, DeskTextFile, read_outlet, read_texts
from tests.newsroom.page import NewsPage, Outlet
