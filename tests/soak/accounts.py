"""What became of every relevant article: stored, and told exactly once or accounted for."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.soak.outside import Letter
from tests.soak.world import Story

_ACCOUNTED = {"copy", "known"}  # its story was told, and nothing in it is new
_HELD = {"digest", "limited", "too-old", "quiet"}


@dataclass(slots=True)
class Post:
    """Who got which message, kept small: the month has many."""

    got: Counter[tuple[str, str]] = field(default_factory=Counter)  #: by recipient and reference
    subjects: dict[tuple[str, str], str] = field(default_factory=dict)

    def take(self, letters: Iterable[Letter]) -> None:
        """Take what has come since."""
        for each in letters:
            self.got[each.recipient, each.reference] += 1
            self.subjects[each.recipient, each.reference] = each.subject


@dataclass(slots=True)
class Account:
    """What was found, and what is wrong; nothing may be."""

    relevant: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    alerts: Counter[str] = field(default_factory=Counter)
    digests: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def settle(
    file: Path,
    base: dict[str, str],
    published: Sequence[Story],
    rules: dict[str, str],
    zones: dict[str, str],
    post: Post,
) -> Account:
    """Compare what was published with what is stored, decided and delivered.

    `rules` have their channel, `zones` the clock of each channel that gets daily digests.
    """
    account = Account()
    with closing(sqlite3.connect(file)) as connection:
        connection.row_factory = sqlite3.Row
        for story in published:
            _article(connection, base[story.outlet] + story.path, story, rules, account)
        _outbox(connection, post, account)
        _digests(connection, zones, account)
        unsound = [row[0] for row in connection.execute("pragma integrity_check") if row[0] != "ok"]
        account.wrong += [f"the database is unsound: {each}" for each in unsound]
    return account


def _article(connection: sqlite3.Connection, url: str, story: Story, rules: dict[str, str], account: Account) -> None:
    rows = connection.execute("select id, story from articles where canonical_url = ?", (url,)).fetchall()
    if len(rows) != 1:
        why = connection.execute("select state, attempts, reason from frontier where url = ?", (url,)).fetchall()
        account.wrong.append(f"{url} is stored {len(rows)} times: {[tuple(each) for each in why]}")
        return
    article = rows[0]["id"]
    said = "select max(relevant) from assessments where article_id = ?"
    if bool(connection.execute(said, (article,)).fetchone()[0]) is not story.is_relevant:
        account.wrong.append(f"{url} was judged otherwise than its text is")
        return
    if not story.is_relevant:
        return
    account.relevant += 1
    for rule, channel in rules.items():
        _told(connection, url, (article, rows[0]["story"]), (rule, channel), account)


def _told(
    connection: sqlite3.Connection, url: str, what: tuple[int, str], to: tuple[str, str], account: Account
) -> None:
    article, story = what
    rule, channel = to
    query = (
        "select verdict from alert_decisions where article_id = ? and rule in (?, '') and channel in (?, '')"
        " order by id"
    )
    verdicts = [row["verdict"] for row in connection.execute(query, (article, rule, channel))]
    if not verdicts:
        account.wrong.append(f"{url}: nothing was decided for {channel}")
        return
    account.verdicts.update(f"{rule}: {each}" for each in verdicts)
    if set(verdicts) <= _ACCOUNTED:
        return
    mine = connection.execute(
        "select id, state, digest_id from alerts where story = ? and rule = ? and channel = ?", (story, rule, channel)
    ).fetchall()
    if not mine:
        account.wrong.append(f"{url}: {verdicts} for {channel}, and there is no alert")
    for each in mine:
        if each["digest_id"] is None and set(verdicts) <= _HELD:
            account.wrong.append(f"{url}: held for a digest of {channel}, and told in none ({each['state']})")


def _digests(connection: sqlite3.Connection, zones: dict[str, str], account: Account) -> None:
    """No day has two daily digests of a channel, whatever its clocks do; the summary of what is old is another."""
    for channel, zone in zones.items():
        query = (
            "select queued_at from alerts d where channel = ? and kind like 'digest:%' and not exists"
            " (select 1 from alerts held where held.digest_id = d.id and held.period != 'daily')"
        )
        moments = [datetime.fromisoformat(row["queued_at"]) for row in connection.execute(query, (channel,))]
        days = Counter(each.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date() for each in moments)
        account.digests[channel] = len(moments)
        account.wrong += [f"{channel} had {n} digests on {day}" for day, n in sorted(days.items()) if n > 1]


def _outbox(connection: sqlite3.Connection, post: Post, account: Account) -> None:
    """Every message has gone out, each exactly once, and nothing else came."""
    query = "select id, rule, channel, kind, state, digest_id, last_detail from alerts"
    expected: Counter[str] = Counter()
    for row in connection.execute(query).fetchall():
        account.alerts[f"{row['channel']}: {row['kind'].partition(':')[0]} {row['state']}"] += 1
        if row["digest_id"] is not None:
            state = connection.execute("select state from alerts where id = ?", (row["digest_id"],)).fetchone()
            if state is None or state["state"] != "sent":
                account.wrong.append(f"alert {row['id']} is in digest {row['digest_id']}, which was not sent")
        elif row["state"] == "sent":
            expected[row["channel"]] += 1
        else:
            account.wrong.append(
                f"alert {row['id']} ({row['rule']}, {row['kind']}) is {row['state']}: {row['last_detail']}"
            )
    arrived: Counter[str] = Counter()
    for (recipient, reference), times in post.got.items():
        arrived[recipient] += times
        if times != 1 or not reference:
            account.wrong.append(f"{recipient} got {reference} {times} times: {post.subjects[recipient, reference]}")
    if arrived != expected:
        account.wrong.append(f"sent were {dict(expected)}, arrived are {dict(arrived)}")
