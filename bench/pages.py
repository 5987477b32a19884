"""How long each page takes, and how large it is, on an archive of 100,000 articles.

Half a year of made-up articles, two a story, as in `bench.search`, a hundredth of them relevant and told on two
channels; the sources of the packaged catalogue with half a year of visits; and the articles of the tests' newsroom, of
which a story and an article are looked at. Each page is asked for once, and then again a few times.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import Table, insert, text

from bench.search import _CONCEPTS, _article, _postgresql, _row
from storage import tables as t
from storage.alert_rows import evidence_to_json
from storage.database import Database, open_database
from storage.search_index import write_words
from tests.newsroom import load_desk
from tests.storage.test_stores import alert
from tests.web.archive import HOSTILE, fill, sources_of
from tests.web.served import Served, serving, settings_in
from tripoint.app.seeds import Seeds, load_seeds
from tripoint.domain.searchwords import Verdict, place_of, tags_of
from tripoint.domain.types import Source

_DAYS = 182
_BATCH = 2_000
_AGAIN = 5
_TIMEOUT_S = 300
_TOPIC = "russia-pakistan-us"


def main() -> None:
    """Fill an archive, serve it and ask for each page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--postgresql", action="store_true", help="on a server of its own instead of SQLite")
    parser.add_argument("--database", help="keep this one, and do not fill it if it holds something")
    given = parser.parse_args()
    now = datetime.now(UTC)
    desk, seeds = load_desk(now), load_seeds()
    seeds = replace(seeds, sources=(*sources_of(desk), *seeds.sources))
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = given.database or (_postgresql(stack, folder)[0] if given.postgresql else f"sqlite:///{folder / 'x.db'}")
        with closing(open_database(url)) as database:
            with database.read() as connection:
                is_filled = connection.scalar(text("SELECT max(id) FROM articles"))
            if not is_filled:
                _fill(database, seeds, given.articles, now)
        with serving(settings_in(folder, url), seeds) as served:
            if not is_filled:
                fill(seeds, served.stores, desk, now)
            _report(served)


def _fill(database: Database, seeds: Seeds, articles: int, now: datetime) -> None:
    """Store articles with judgements, signatures, alerts and their index, and the visits of the sources."""
    packed = seeds.sources[-100:]
    for first in range(0, articles, _BATCH):
        with database.write() as connection:
            rows = [_one(number, articles, packed, now) for number in range(first, min(first + _BATCH, articles))]
            connection.execute(insert(t.articles), rows)
            places = [place_of(each["published"], each["id"]) for each in rows]
            docs = [
                {"place": place, "article_id": each["id"], "score": _score(each["id"])}
                for place, each in zip(places, rows, strict=True)
            ]
            connection.execute(insert(t.search_docs), docs)
            for place, each in zip(places, rows, strict=True):
                score = _score(each["id"])
                verdicts = [Verdict(_TOPIC, score, score > 0.5)]
                tags = tags_of(each["source"], each["language"], verdicts, _CONCEPTS if score > 0.5 else ())
                write_words(connection, place, each["title"], each["text"], tags)
            for table, made in _about(rows):
                if made:
                    connection.execute(insert(table), made)
    with database.write() as connection:
        for table, made in _visits(packed, now):
            connection.execute(insert(table), made)
        connection.execute(text("ANALYZE"))
        if not database.is_sqlite:
            for table in ("articles", "assessments", "alerts", "coverage"):
                connection.execute(
                    text("SELECT setval(:name, 1 + (SELECT max(id) FROM " + table + "))"),  # noqa: S608 - our own
                    {"name": f"{table}_id_seq"},
                )


def _one(number: int, articles: int, sources: tuple[Source, ...], now: datetime) -> dict[str, Any]:
    at = now - timedelta(days=1) - timedelta(days=_DAYS) * (1 - number / articles)
    source = sources[number % len(sources)]
    row = _row(_article(number), number)
    seen = {"published": at, "fetched_at": at, "first_seen_at": at}
    # Stories of a few reports, of which the relevant ones are whole stories.
    return {**row, **seen, "source": source.name, "outlet": source.outlet, "story": f"s{number // 2}"}


def _score(number: int) -> float:
    return 0.9 if number % 200 in (1, 2) else (number % 37) / 100


def _about(rows: list[dict[str, Any]]) -> Iterator[tuple[Table, list[dict[str, Any]]]]:
    relevant = [each for each in rows if _score(each["id"]) > 0.5]
    yield (
        t.revisions,
        [
            {"article_id": each["id"], "number": 1, **{name: each[name] for name in ("title", "text", "content_hash")}}
            | {"fetched_at": each["fetched_at"]}
            for each in rows
        ],
    )
    yield (
        t.assessments,
        [
            {
                "id": each["id"],
                "article_id": each["id"],
                "revision": 1,
                "topic": _TOPIC,
                "topic_version": "v",
                "note": "",
            }
            | {"score": _score(each["id"]), "threshold": 0.5, "relevant": _score(each["id"]) > 0.5}
            | {"facets": [], "shares": []}
            for each in rows
        ],
    )
    yield (
        t.hits,
        [
            {"assessment_id": each["id"], "position": place, "concept": concept, "facet": "actor", "zone": "text"}
            | {"surface": each["text"][20 * place : 20 * place + 5], "start": 20 * place, "end": 20 * place + 5}
            | {"sentence": 0}
            for each in relevant
            for place, concept in enumerate(_CONCEPTS * 3)
        ],
    )
    bags = {"names": list(range(40)), "words": list(range(60))}
    yield t.signatures, [{"article_id": each["id"], "at": each["first_seen_at"], "bags": bags} for each in rows]
    said = evidence_to_json(alert("x").evidence)
    told = [
        {"id": 2 * each["id"] + place, "story": each["story"], "rule": "relevant", "channel": channel, "kind": "new"}
        | {"evidence": said, "queued_at": each["first_seen_at"], "state": "sent", "attempts": 1}
        | {"next_attempt_at": each["first_seen_at"], "sent_at": each["first_seen_at"]}
        for each in relevant
        if each["id"] % 2
        for place, channel in enumerate(("desk", "chat"))
    ]
    yield t.alerts, told
    yield (
        t.deliveries,
        [
            {"alert_id": each["id"], "attempt": 1, "at": each["sent_at"], "outcome": "accepted", "detail": "250: ok"}
            for each in told
        ],
    )
    yield (
        t.frontier,
        [
            {"url": f"{each['url']}/{more}", "source": each["source"], "found_by": "feed", "title": "", "summary": ""}
            | {"found_at": each["first_seen_at"], "state": "done", "due_at": each["first_seen_at"]}
            | {"finished_at": each["first_seen_at"]}
            for each in rows
            for more in range(2)
        ],
    )


def _visits(sources: tuple[Source, ...], now: datetime) -> Iterator[tuple[Table, list[dict[str, Any]]]]:
    """Yield two listings of each source, and stretches that were seen and blind in turn."""
    urls = [(each.name, f"https://{each.name}.example/{part}.xml") for each in sources for part in ("a", "b")]
    yield (
        t.listings,
        [
            {"url": url, "source": name, "kind": "feed", "polled_at": now, "status": "read", "listed": 20}
            for name, url in urls
        ],
    )
    yield (
        t.coverage,
        [
            {"url": url, "source": name, "start": now - timedelta(days=day + 1), "until": now - timedelta(days=day)}
            | {"is_seen": day % 9 != 0, "reason": "" if day % 9 else "the feed may have dropped some"}
            for name, url in urls
            for day in range(_DAYS)
        ],
    )


def _report(served: Served) -> None:
    story, article = served.story_of(HOSTILE[0]), served.article_of(HOSTILE[0])
    source = served.seeds.sources[-1].name
    print(f"{'bytes':>9}  {'first':>8}  {'again':>8}  {'CPU':>8}   page")
    for path in (
        "/",
        "/?days=30",
        f"/stories/{story}",
        f"/articles/{article}",
        "/search",
        "/search?q=tap+tran+chung",
        "/search?q=nga&since=30d&language=vi",
        "/search?q=concept%3Aactor.russia",
        "/sources",
        f"/sources/{source}",
        "/alerts",
        "/alerts?state=dead",
        "/calibration",
        "/calibration?threshold=0.3&days=365",
        "/feeds/search.atom?q=pakistan",
        f"/feeds/topics/{_TOPIC}.json",
        "/feeds/sources.opml",
        "/api/v1/stories",
        "/api/v1/search?q=nga",
        "/api/v1/alerts",
        "/api/v1/sources",
        "/api/openapi.json",
        "/metrics",
    ):
        asked = [_ask(served.address + path) for _ in range(1 + _AGAIN)]
        wall = statistics.median(each[0] for each in asked[1:])
        alone = statistics.median(each[1] for each in asked[1:])
        size = asked[0][2]
        print(
            f"{size:9,}  {1e3 * asked[0][0]:5.0f} ms  {1e3 * wall:5.0f} ms  {1e3 * alone:5.0f} ms   {path}", flush=True
        )


def _ask(url: str) -> tuple[float, float, int]:
    """Return how long an answer took, by the clock and in CPU time of this process, and how many bytes it has."""
    begun, used = time.perf_counter(), time.process_time()
    answer = requests.get(url, timeout=_TIMEOUT_S)
    took = time.perf_counter() - begun, time.process_time() - used
    if answer.status_code != 200:
        print(answer.status_code, answer.text[:300])
    return (*took, len(answer.content))


if __name__ == "__main__":
    main()
