"""`tripoint audit`: what other indexes saw in a period, held against the archive."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from tripoint.app.cli.terminal import complain, err, out, plain, print_json, print_table, settings_of
from tripoint.domain.audit import Verdict

if TYPE_CHECKING:
    from tripoint.app.backfill.asked import Asked
    from tripoint.app.backfill.audit import Audit

_MISSED = 3  # exit code: the audit was made, and found less than was asked for
_MENDS = {
    Verdict.NO_SOURCE: "`tripoint sources add URL` adds a source",
    Verdict.BLIND: "`tripoint backfill` with the same days fetches what is missing",
    Verdict.NOT_LISTED: "add a feed, a section or a sitemap to the source's entry; `tripoint backfill` fetches these",
    Verdict.WAITING: "`tripoint crawl` or `tripoint backfill resume` fetches them",
    Verdict.NOT_EXTRACTED: "`tripoint sources health` tells which sources do not read well",
    Verdict.BELOW: "`tripoint score --explain URL` shows why; a wrong one is worth a `tripoint feedback`",
}


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command(epilog="Example: tripoint audit --since 7d --via gdelt --at-least 0.8 --json   (3 where it is less)")
    def audit(
        context: typer.Context,
        since: Annotated[str, typer.Option(help="First day, as `tripoint backfill` takes it.")],
        until: Annotated[str, typer.Option(help="Last day, included; today if not given.")] = "",
        via: Annotated[
            list[str] | None, typer.Option(help="Index; may be given again. GDELT, Google and Bing News if not given.")
        ] = None,
        source: Annotated[list[str] | None, typer.Option(help="Only this source; may be given again.")] = None,
        lang: Annotated[str, typer.Option(help="Only outlets of this language: vi or en.")] = "",
        sample: Annotated[int, typer.Option(min=1, help="Most reports of each index to look up.")] = 100,
        at_least: Annotated[
            float, typer.Option(min=0, max=1, help="Share that is to be held; 3 is the exit if not.")
        ] = 1.0,
        as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
        quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
    ) -> None:
        """Ask other indexes for random windows of a period, and list what the archive lacks of it, with the reason."""
        from crawler.reactor import run_on_reactor
        from tripoint.app.backfill.asked import read_asked, wanted_of
        from tripoint.app.backfill.audit import as_json as said
        from tripoint.app.backfill.audit import check_via, run_audit
        from tripoint.app.seeds import load_seeds
        from tripoint.app.wiring import utc_now

        today = utc_now().date()
        asked = read_asked([], since, until, check_via(via or []), source or [], lang, today)
        settings = settings_of(context)
        wanted = wanted_of(asked, load_seeds(settings.seeds.folder), today)
        console = err()
        found = run_on_reactor(
            lambda: run_audit(
                settings, asked, wanted, sample, lambda line: None if quiet else console.print(plain(line))
            )
        )
        if as_json:
            print_json(said(asked, found))
        else:
            _show(asked, found)
        if found.is_blind:
            complain(f"nobody could be asked: {found.failed[0][0]}: {found.failed[0][1]}")
            raise typer.Exit(1)
        if found.recall is not None and found.recall < at_least:
            raise typer.Exit(_MISSED)


def _show(asked: Asked, audit: Audit) -> None:
    by_provider: dict[str, Counter[Verdict]] = {name: Counter() for name in asked.via}
    for each in audit.checked:
        by_provider[each.provider][each.verdict] += 1
    columns = ("index", "windows", "looked up", *map(str, Verdict))
    rows = [(name, audit.windows[name], n.total(), *(n[each] for each in Verdict)) for name, n in by_provider.items()]
    print_table(f"What others saw: {asked.days}", columns, rows)
    missed = sorted(audit.missed, key=lambda each: (each.verdict, each.source or each.find.host, each.find.title))
    if missed:
        said = [
            (each.verdict, each.detail, each.find.outlet or each.find.host, each.find.title, each.find.url)
            for each in missed
        ]
        print_table("Missed", ("reason", "detail", "outlet", "title", "address"), said)
    failures = Counter(audit.failed)
    for (provider, reason), number in failures.items():
        out().print(plain(f"{provider}: {number} windows failed: {reason}"))
    if audit.recall is None:
        out().print(plain("the indexes named nothing of these days"))
        return
    held = len(audit.checked) - len(missed)
    out().print(plain(f"{held} of {len(audit.checked)} are held: {audit.recall:.1%}"))
    for verdict in dict.fromkeys(each.verdict for each in missed):
        if mend := _MENDS.get(verdict):
            out().print(plain(f"{verdict}: {mend}"))
