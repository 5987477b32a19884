"""`make demo`: the whole main job against the newsroom and a mail server on loopback; ends by itself, 0 if all held."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.house import DEADLINE_S, House, page_address
from tests.mail import MailServer
from tests.newsroom import DeskOutlet, NewsroomThread, events_of, events_told, load_desk

_DIGEST = "Found now, and older"
_LISTINGS = ("feed", "sitemap", "section")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be so."""

    what: str
    wanted: object
    found: object

    @property
    def holds(self) -> bool:
        """Return whether it is so."""
        return self.wanted == self.found


def main() -> int:
    """Run both passes, show what they did, and return 0 only if each check holds."""
    say = Console()
    desk = load_desk(datetime.now(UTC))
    with tempfile.TemporaryDirectory(prefix="tripoint-demo-") as name:
        folder = Path(name)
        with NewsroomThread([each.outlet for each in desk]) as room, MailServer(folder) as mail:
            house = _house(folder, desk, room, mail)
            say.rule("First pass: four outlets that are new to us")
            _crawl(house)
            checks = [*_after_first(house, desk, mail)]
            before = _counted(house, mail)
            room.forget()
            say.rule("Second pass: nothing is new")
            _crawl(house)
            checks += _after_second(house, desk, mail, room, before)
            say.rule("The page of this archive")
            checks.append(_page(house, say))
    table = Table(title="What the demo did", title_justify="left")
    for column in ("", "what", "wanted", "found"):
        table.add_column(column)
    for each in checks:
        if isinstance(each.wanted, list) and isinstance(each.found, list) and not each.holds:
            say.print(f"{each.what}: missing {set(each.wanted) - set(each.found)}, too many {each.found}", markup=False)
        table.add_row("ok" if each.holds else "WRONG", each.what, _short(each.wanted), _short(each.found))
    say.print(table)
    return 0 if all(each.holds for each in checks) else 1


def _short(value: object) -> str:
    return f"{len(value)} titles" if isinstance(value, list) else str(value)


def _house(folder: Path, desk: list[DeskOutlet], room: NewsroomThread, mail: MailServer) -> House:
    channels = {"console": {"url": "console://"}, "desk": {"url_env": "DEMO_MAIL"}}
    house = House(folder, settings={"channels": channels})
    house.environment |= {"DEMO_MAIL": mail.url(), "SSL_CERT_FILE": str(mail.authority)}
    house.reads([(each.outlet, room.base(each.outlet.name)) for each in desk], _LISTINGS)
    return house


def _crawl(house: House) -> None:
    done = subprocess.run(house.command("crawl", "--quiet"), env=house.environ(), cwd=house.folder, check=False)
    if done.returncode:
        sys.exit(f"tripoint crawl ended with {done.returncode}")


def _after_first(house: House, desk: list[DeskOutlet], mail: MailServer) -> list[Check]:
    pages = [page for outlet in desk for page in outlet.pages]
    languages = Counter(each.outlet.language for each in desk)
    listed = house.json("alerts", "list", "--limit", "1000")
    # What is too old to be told by itself is told in a digest: one message on each channel.
    digests = [each for each in listed if each["kind"].startswith("digest:")]
    alerts = [each for each in listed if each not in digests and each["state"] != "digested"]
    new = [each for each in alerts if each["kind"] == "new"]
    subjects = [each.subject.removeprefix("[Tripoint] ").rsplit(" — ", 1)[0] for each in mail.received]
    subjects = [each for each in subjects if not each.startswith(_DIGEST)]
    mailed = [each.removeprefix("Update: ") for each in subjects]
    titles = _titles(new, "console")
    telling = sum(page.is_told for page in pages)
    stored = _stored(house)
    return [
        Check("at least two outlets a language", True, min(languages["vi"], languages["en"]) >= 2),
        Check("pages served", True, len(pages) >= 40),
        Check("articles stored", sum(page.kind == "article" for page in pages), stored["articles"]),
        Check("pages without an article, recorded as such", _not_articles(desk), stored["not_articles"]),
        Check("relevant by the written grades", sum(page.is_relevant for page in pages), stored["relevant"]),
        Check("fresh relevant reports are of fewer events", True, telling > len(events_told(desk))),
        Check("events told on the console", events_told(desk), _events(desk, _titles(alerts, "console"))),
        Check("events told as new more than once", 0, len(titles) - len(_events(desk, titles))),
        Check("events told in the mail server's inbox", events_told(desk), _events(desk, mailed)),
        Check("alerts and updates mailed", len(_titles(alerts, "desk")), len(subjects)),
        Check("digests of what is older mailed", len(_titles(digests, "desk")), len(mail.received) - len(subjects)),
        Check("alerts and digests that failed", 0, sum(each["state"] != "sent" for each in (*alerts, *digests))),
    ]


def _events(desk: list[DeskOutlet], titles: list[str]) -> list[str]:
    return sorted(set(events_of(desk, titles)))


def _counted(house: House, mail: MailServer) -> tuple[int, int]:
    return len(house.json("alerts", "list", "--limit", "1000")), len(mail.received)


def _after_second(
    house: House, desk: list[DeskOutlet], mail: MailServer, room: NewsroomThread, before: tuple[int, int]
) -> list[Check]:
    paths = {page.page.path for outlet in desk for page in outlet.pages}
    return [
        Check("second pass: pages fetched again", 0, sum(each.path in paths for each in room.requests)),
        Check("second pass: alerts and mails after it", before, _counted(house, mail)),
    ]


def _page(house: House, say: Console) -> Check:
    """Serve the page for a moment, and look for what was told on it."""
    serving = house.start("web", "--port", "0")
    try:
        address = page_address(serving)
        say.print(f"{address}/ shows what was stored; `tripoint run` and `tripoint web` serve it", markup=False)
        with urllib.request.urlopen(f"{address}/?days=30") as answer:
            shown = answer.read().decode()
    finally:
        serving.send_signal(signal.SIGTERM)
        serving.communicate(timeout=DEADLINE_S)
    stories = {each["story"] for each in house.json("stories", "--since", "30d")}
    return Check("stories told that the page shows", len(stories), sum(f"/stories/{each}" in shown for each in stories))


def _not_articles(desk: list[DeskOutlet]) -> int:
    return sum(page.kind != "article" for outlet in desk for page in outlet.pages)


def _titles(alerts: list[dict[str, object]], channel: str) -> list[str]:
    return [str(each["evidence"]["title"]) for each in alerts if each["channel"] == channel]  # type: ignore[index]


def _stored(house: House) -> dict[str, int]:
    found = next(each for each in house.json("doctor") if each["check"] == "database")
    counts: dict[str, int] = found["counts"]
    return counts


if __name__ == "__main__":
    sys.exit(main())
