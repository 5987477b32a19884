"""`tripoint alerts failed | retry | drop | resend`: what was given up, and mending it by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from tripoint.app.cli.terminal import out, print_json, print_table, settings_of
from tripoint.domain.errors import MendError
from tripoint.domain.types import AlertState

if TYPE_CHECKING:
    from datetime import datetime

    from storage.alerts import AlertStore

Ids = Annotated[list[int] | None, typer.Argument(help="Numbers of alerts, as `alerts failed` and `alerts list` show.")]
All = Annotated[bool, typer.Option("--all", help="Every one, in the place of numbers.")]
OnChannel = Annotated[str, typer.Option("--channel", help="Only of this channel.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value.")]
_WAITING = (AlertState.PENDING, AlertState.HELD, AlertState.DEAD)


def register(alerts: typer.Typer) -> None:
    """Add the verbs to `tripoint alerts`."""

    @alerts.command(epilog="Example: tripoint alerts failed --channel mail")
    def failed(context: typer.Context, channel: OnChannel = "", as_json: AsJson = False) -> None:
        """List alerts that were given up, and what the service said last."""
        from tripoint.app.wiring import opened_stores

        with opened_stores(settings_of(context)) as stores:
            ids = stores.alerts.chosen([], [AlertState.DEAD], channel)
            found = [each for number in ids if (each := stores.alerts.get(number))]
        told = [
            {
                "id": each.queued.id,
                "channel": each.queued.alert.key.channel,
                "queued_at": each.queued.alert.queued_at,
                "attempts": each.queued.attempts,
                "last_answer": each.queued.last_detail,
                "title": each.queued.alert.evidence.title,
            }
            for each in found
        ]
        if as_json:
            print_json(told)
            return
        print_table(
            f"{len(told)} given up", tuple(told[0]) if told else ("id",), [tuple(each.values()) for each in told]
        )
        if told:
            out().print("`tripoint alerts retry ID…` (or --all) tries again, `alerts drop ID…` lets go")

    @alerts.command(epilog="Example: tripoint alerts retry --all --channel mail")
    def retry(
        context: typer.Context,
        ids: Ids = None,
        everything: All = False,
        channel: OnChannel = "",
        as_json: AsJson = False,
    ) -> None:
        """Try alerts again that were given up or wait for their next attempt, from the next pass on."""
        states = (AlertState.DEAD,) if everything else (AlertState.DEAD, AlertState.PENDING)
        _change(
            context,
            "retry",
            ids,
            states,
            everything,
            channel,
            as_json,
            lambda store, which, now: store.requeue(which, now),
        )

    @alerts.command(epilog="Example: tripoint alerts drop 17 18")
    def drop(
        context: typer.Context,
        ids: Ids = None,
        everything: All = False,
        channel: OnChannel = "",
        as_json: AsJson = False,
    ) -> None:
        """Let alerts go that were not sent; with --all those that were given up. `alerts resend` brings one back."""
        states = (AlertState.DEAD,) if everything else _WAITING
        _change(context, "drop", ids, states, everything, channel, as_json, lambda store, which, now: store.drop(which))

    @alerts.command(epilog="Example: tripoint alerts resend 17")
    def resend(context: typer.Context, ids: Ids = None, as_json: AsJson = False) -> None:
        """Send alerts once more, whatever became of them; the copy carries the same ref."""
        states = tuple(each for each in AlertState if each is not AlertState.SENDING)
        _change(
            context,
            "resend",
            ids,
            states,
            False,
            "",
            as_json,
            lambda store, which, now: store.requeue(which, now, to_all=True),
        )


def _change(
    context: typer.Context,
    verb: str,
    ids: Sequence[int] | None,
    states: Sequence[AlertState],
    everything: bool,
    channel: str,
    as_json: bool,
    change: Callable[[AlertStore, Sequence[int], datetime], int],
) -> None:
    from tripoint.app.wiring import opened_stores, utc_now

    if bool(ids) is everything:
        raise MendError(f"alerts {verb} needs to know which", "give numbers of alerts, or --all where it has that")
    with opened_stores(settings_of(context)) as stores:
        chosen = stores.alerts.chosen(ids or [], states, channel)
        if missing := set(ids or []) - set(chosen):
            wanted = ", ".join(states)
            raise MendError(f"alert {min(missing)} is none that is {wanted}", "tripoint alerts list shows their states")
        changed = change(stores.alerts, chosen, utc_now())
    if as_json:
        print_json({"verb": verb, "changed": changed, "ids": chosen})
        return
    after = "" if verb == "drop" else "; `tripoint run` sends them within seconds, `tripoint crawl` with its pass"
    out().print(f"{verb}: {changed} {'alert' if changed == 1 else 'alerts'}{after}")
