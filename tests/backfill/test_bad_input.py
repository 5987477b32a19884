"""Bad input is one line."""

from __future__ import annotations

from datetime import date

import pytest

from crawler.extract.pool import ExtractionPool
from crawler.providers.archive import ArchiveProvider
from crawler.providers.site_search import SearchProvider
from tests.house import House
from tripoint.app.backfill.asked import nothing_to_ask
from tripoint.app.backfill.audit import check_via
from tripoint.app.backfill.memory import RunMemory
from tripoint.app.wiring import utc_now
from tripoint.domain.backfill import Wanted
from tripoint.domain.errors import SettingsError
from tripoint.domain.types import Source
from tripoint.domain.when import read_days


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--since", "2019", "--until", "2018"), "is after --until 2018"),
        (("--since", "7/8/2018"), "may be 7 August or July 8"),
        (("--since", "2018", "--via", "altavista"), "there is no provider `altavista`"),
        (("--since", "2999"), "lies ahead"),
        (("--since", "2018", "--lang", "fr"), "is not searched"),
        (("--since", "2018", "--source", "nobody"), "there is no source `nobody`"),
    ],
)
def test_bad_input_is_one_line(house: House, arguments: tuple[str, ...], said: str) -> None:
    done = house.run("backfill", *arguments, "--quiet", code=2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_job_without_windows_says_so(reader: House) -> None:
    done = reader.run("backfill", "--since", "2015", "--until", "2015", "--via", "cc-news", "--quiet", code=2)
    said = "tripoint: cc-news: nothing to ask: it begins on 26 August 2016 — name other providers, sources or days"
    assert done.stderr.strip() == said


def test_who_has_nothing_to_ask_is_told_beside_the_others() -> None:
    source = Source("a", "A", "en", "PK", "UTC", "https://a.example/", sitemaps=("https://a.example/sitemap.xml",))
    wanted = Wanted(read_days("2018-08", date(2020, 1, 1)), (source,), ())
    reader = ExtractionPool.__new__(ExtractionPool)  # nothing is read where nothing is asked
    archive, search = ArchiveProvider(reader, RunMemory(utc_now)), SearchProvider(reader)
    said = ["search: nothing to ask: no source of these has `search` and `search_link` in the catalogue"]
    assert nothing_to_ask([archive, search], wanted) == said
    with pytest.raises(SettingsError, match="name other providers"):
        nothing_to_ask([search], wanted)


@pytest.mark.parametrize("via", ["cc-news", "warc:tripoint.toml"])
def test_an_audit_asks_those_who_list_something(via: str) -> None:
    with pytest.raises(SettingsError, match="this one lists nothing"):
        check_via([via])
