"""Twenty kills at random moments of a crawl with alerts: nothing is lost, and nothing is told twice without cause."""

from __future__ import annotations

import random
import threading
from collections import Counter

from tests.house import House
from tests.killing import kill
from tests.mail import MailServer
from tests.newsroom import DeskOutlet, events_of, events_told

KILLS = 20


def test_every_page_is_stored_once_and_every_alert_arrives(
    reading_house: House, desk: list[DeskOutlet], mail: MailServer
) -> None:
    house = reading_house
    house.settings["channels"] = {"desk": {"url_env": "MAIL"}}
    house.settings["crawl"]["delay_s"] = 0.02
    house.environment |= {"MAIL": mail.url(), "SSL_CERT_FILE": str(mail.authority)}
    dice = random.Random()  # noqa: S311 - chance is the point, secrecy is not
    in_doubt: Counter[str] = Counter()
    for _ in range(KILLS):
        _kill_at_a_random_moment(house, dice)
        in_doubt.update(_being_sent(house))
    house.run("crawl", "--quiet")

    pages = [page for outlet in desk for page in outlet.pages]
    articles = [page for page in pages if page.kind == "article"]
    assert house.rows("select count(*), count(distinct canonical_url) from articles") == [(len(articles),) * 2]
    assert house.rows("select count(*) from revisions") == [(len(articles),)]
    assert house.rows("select count(*) from not_articles") == [(len(pages) - len(articles),)]
    assert house.rows("select state, count(*) from frontier where state in ('pending', 'failed') group by 1") == []
    mails = Counter(
        each.subject.removeprefix("[Tripoint] ").rsplit(" — ", 1)[0]
        for each in mail.received
        if "Found now, and older" not in each.subject
    )
    new = events_of(desk, (each for each in mails if not each.startswith("Update: ")))
    assert len(new) == len(set(new))
    assert sorted(set(events_of(desk, (each.removeprefix("Update: ") for each in mails)))) == events_told(desk)
    for title, times in mails.items():
        assert times - 1 <= in_doubt[title.removeprefix("Update: ")], f"{title} was told {times} times"


def _kill_at_a_random_moment(house: House, dice: random.Random) -> None:
    """Start a crawl, and kill it some events and some fraction of a second after its first sign of life."""
    process = house.start("crawl")
    lines = dice.randrange(0, 12)
    rest_s = dice.random() * 0.15
    assert process.stderr is not None
    for _ in range(lines):
        if not process.stderr.readline():
            break
    threading.Event().wait(rest_s)
    kill(process)


def _being_sent(house: House) -> list[str]:
    if not house.rows("select 1 from sqlite_master where name = 'alerts'"):
        return []
    return [
        title for (title,) in house.rows("select json_extract(evidence, '$.title') from alerts where state='sending'")
    ]
