"""`tripoint alerts test CHANNEL`: a marked message, and what the server said to it."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from tripoint.app.cli.terminal import complain, print_json, settings_of
from tripoint.domain.errors import SettingsError
from tripoint.domain.types import Outcome

if TYPE_CHECKING:
    from alerts.channels import Answer
    from tripoint.app.settings import Settings


def register(alerts: typer.Typer) -> None:
    """Add the verb to `alerts`."""

    @alerts.command("test", epilog="Example: tripoint alerts test desk --json")
    def test(
        context: typer.Context,
        channel: Annotated[str, typer.Argument(help="Name of a channel, enabled or not.")],
        as_json: Annotated[bool, typer.Option("--json", help="Print what each service answered as JSON.")] = False,
    ) -> None:
        """Send a message marked as a test, and say what the server answered; exit 1 where it was not accepted."""
        answer = asyncio.run(_send(settings_of(context), channel))
        accepted = answer.outcome is Outcome.ACCEPTED
        if as_json:
            print_json({"channel": channel, **asdict(answer)})
        elif accepted:
            typer.echo(f"{channel}: {answer.detail}")
        else:
            later = "worth trying again" if answer.outcome is Outcome.TRANSIENT else "trying again will not help"
            complain(f"{channel}: not accepted, {later}: {answer.detail}")
        if not accepted:
            raise typer.Exit(1)


async def _send(settings: Settings, name: str) -> Answer:
    from alerts.render import sample
    from tripoint.app.wiring import build_channels, build_renderer, utc_now

    section = settings.channels.get(name)
    if section is None:
        raise SettingsError(f"there is no channel `{name}`", f"known are {', '.join(settings.channels)}")
    only = settings.model_copy(update={"channels": {name: section.model_copy(update={"enabled": True})}})
    (channel,) = build_channels(only, typer.echo)
    evidence, key = sample(name, channel.reader, utc_now())
    message = build_renderer(settings).render(evidence, key, channel.reader)
    return await channel.send(message, settings.alerts.timeout_s)
