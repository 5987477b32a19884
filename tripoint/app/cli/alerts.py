"""`tripoint alerts`: what was told, to whom, and what became of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from tripoint.app.cli import alerts_test, hearing, outbox
from tripoint.app.cli.terminal import print_json, print_table, settings_of
from tripoint.domain.types import AlertState


def register(app: typer.Typer) -> None:
    """Add the verb."""
    alerts = typer.Typer(no_args_is_help=True, help="What was told, to whom, and what became of it.")
    app.add_typer(alerts, name="alerts", epilog="Example: tripoint alerts list --state dead")

    alerts_test.register(alerts)

    @alerts.command("list", epilog="Example: tripoint alerts list --since 2026-11-20 --json")
    def list_(
        context: typer.Context,
        state: Annotated[AlertState | None, typer.Option(help="Only alerts in this state.")] = None,
        since: Annotated[datetime | None, typer.Option(help="Only alerts queued since then (UTC).")] = None,
        limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 50,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list, with every attempt.")] = False,
    ) -> None:
        """List alerts, newest first."""
        from tripoint.app.wiring import opened_stores

        settings = settings_of(context)
        with opened_stores(settings) as stores:
            queued_since = since.replace(tzinfo=UTC) if since and not since.tzinfo else since
            found = stores.alerts.history(state=state, since=queued_since, limit=limit)
        if as_json:
            print_json([hearing.as_plain(each) for each in found])
            return
        rows = [
            (
                each.queued.id,
                each.queued.alert.queued_at.strftime("%Y-%m-%d %H:%M"),
                each.queued.state,
                each.queued.alert.key.channel,
                each.queued.alert.key.kind.split(":")[0],
                each.queued.attempts,
                f"{evidence.score:.2f}" if evidence.threshold else "",
                evidence.outlet,
                evidence.title,
                each.queued.last_detail,
            )
            for each in found
            for evidence in (each.queued.alert.evidence,)
        ]
        columns = (
            "id",
            "queued (UTC)",
            "state",
            "channel",
            "kind",
            "attempts",
            "score",
            "outlet",
            "title",
            "last answer",
        )
        print_table(f"{len(rows)} alerts", columns, rows)

    hearing.register(alerts)
    outbox.register(alerts)
