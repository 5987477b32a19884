"""What a search of the past tells at its end: totals, stories, and the command that would finish it. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from storage.backfill import FoundArticle, Window
from tripoint.app.backfill.asked import Asked
from tripoint.domain.backfill import Counted, ShardState

COLUMNS = ("provider", "windows", "found", "already known", "new", "relevant", "incomplete windows", "pages left")


def table(counts: Sequence[Counted]) -> list[tuple[object, ...]]:
    """Return a row a provider and their sum."""
    rows = [_row(each) for each in counts]
    if len(rows) > 1:
        rows.append(("all", *(sum(int(str(row[at])) for row in rows) for at in range(1, len(COLUMNS)))))
    return rows


def _row(each: Counted) -> tuple[object, ...]:
    left = each.waiting + each.lost
    return (each.provider, each.windows, each.found, each.known, each.new, each.relevant, each.incomplete, left)


def remarks(job: int, counts: Sequence[Counted], windows: Sequence[Window]) -> list[str]:
    """Return what the table does not tell: why it is incomplete, and what to do about that."""
    open_windows = [each for each in windows if each.state is not ShardState.DONE]
    named = sum(each.found for each in windows)
    said = []
    if len(counts) > 1 and named > (once := sum(each.found for each in counts)):
        said.append(f"{named - once} finds were named before, by another window or provider; each counts for the first")
    said += [
        f"{source}: no archive page listed anything: it keeps none of these days, or its `archives` are wrong"
        for source in _silent(windows)
    ]
    reasons: defaultdict[tuple[str, str], int] = defaultdict(int)
    for each in open_windows:
        reasons[each.shard.provider, f"{each.state}: {each.reason}" if each.reason else str(each.state)] += 1
    for (provider, reason), number in sorted(reasons.items(), key=lambda each: -each[1])[:8]:
        said.append(f"{provider}: {number} windows {reason}")
    totals = {
        key: sum(asdict(each)[key] for each in counts) for key in ("outside", "opaque", "elsewhere", "waiting", "lost")
    }
    if totals["outside"]:
        said.append(f"{totals['outside']} articles were published on other days than those asked for; they are kept")
    if totals["opaque"]:
        said.append(f"{totals['opaque']} finds hide their address, and no publisher's sitemap lists their title")
    if totals["elsewhere"]:
        said.append(f"{totals['elsewhere']} finds are of hosts outside the catalogue: `tripoint sources add URL`")
    if totals["lost"]:
        said.append(f"{totals['lost']} pages could not be had")
    undone = any(each.state in (ShardState.PENDING, ShardState.RUNNING, ShardState.FAILED) for each in open_windows)
    if undone or totals["waiting"]:
        said.append(f"not finished; to finish: tripoint backfill resume {job}")
    return said


def _silent(windows: Sequence[Window]) -> list[str]:
    """Return the sources whose archives were read to the end and held nothing at all: the pattern is wrong.

    An index of sitemaps lists nothing itself, so that nothing is known while one of its windows is open.
    """
    listed: defaultdict[str, int] = defaultdict(int)
    unknown: set[str] = set()
    for each in windows:
        if each.shard.provider == "archive":
            listed[each.shard.source] += each.found
            if each.state is not ShardState.DONE:
                unknown.add(each.shard.source)
    return sorted(source for source, number in listed.items() if not number and source not in unknown)


def story_lines(articles: Sequence[FoundArticle]) -> list[str]:
    """Return a line for each story: its first day, its first title, and who has it; most reports first."""
    stories: defaultdict[str, list[FoundArticle]] = defaultdict(list)
    for each in articles:
        stories[each.story].append(each)
    ordered = sorted(stories.values(), key=lambda reports: (-len(reports), reports[0].id))
    return [_line(reports) for reports in ordered]


def _line(reports: Sequence[FoundArticle]) -> str:
    first = reports[0]
    day = f"{first.published:%Y-%m-%d}" if first.published else "undated"
    outlets = list(dict.fromkeys(each.outlet for each in reports))
    others = f" and {len(outlets) - 3} more" if len(outlets) > 3 else ""
    return f"{day}: {first.title} ({', '.join(outlets[:3])}{others}; {len(reports)} reports)".replace(
        "1 reports", "1 report"
    )


def as_json(job: int, asked: Asked, counts: Sequence[Counted], articles: Sequence[FoundArticle]) -> dict[str, Any]:
    """Return everything for scripts."""
    return {
        "job": job,
        "command": asked.command,
        "since": asked.days.first.isoformat(),
        "until": asked.days.last.isoformat(),
        "complete": all(each.incomplete == 0 and each.waiting == 0 for each in counts),
        "providers": [{**asdict(each), "incomplete": each.incomplete} for each in counts],
        "relevant": [
            {**asdict(each), "published": each.published.isoformat() if each.published else None} for each in articles
        ],
    }
