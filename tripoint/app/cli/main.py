"""The `tripoint` command: options that every verb shares, and one line for every error."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from tripoint.app.cli import (
    alerts,
    audit,
    backfill,
    backup,
    calibrate,
    coverage,
    crawl,
    doctor,
    evidence,
    feedback,
    init,
    install_service,
    jobs,
    migrate_archive,
    prune,
    reload,
    revisions,
    run,
    score,
    search,
    sources,
    stories,
    topic,
    web,
    worker,
)
from tripoint.app.cli.terminal import complain
from tripoint.app.logs import LogFormat, Logs
from tripoint.domain.errors import MendError, TripointError

app = typer.Typer(
    name="tripoint",
    help="Watches the news for a topic, and tells people once, with the evidence.",
    epilog="Example: tripoint crawl   (one pass over the sources)   ·   tripoint run   (keep watching)",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tripoint {version('tripoint')}")
        raise typer.Exit


@app.callback()
def common(
    context: typer.Context,
    settings: Annotated[
        Path | None, typer.Option("--settings", "-s", envvar="TRIPOINT_SETTINGS", help="Settings file.")
    ] = None,
    database: Annotated[str, typer.Option(help="Database URL; stronger than file and environment.")] = "",
    seeds: Annotated[Path | None, typer.Option(help="Folder of seeds made by `tripoint init`.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what the libraries do.")] = False,
    log_format: Annotated[
        LogFormat,
        typer.Option(
            envvar="TRIPOINT_LOG_FORMAT",
            help="How log lines look; auto: JSON for a service that no terminal shows, else for a person.",
        ),
    ] = LogFormat.AUTO,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Keep the options that every verb shares."""
    options: dict[str, Any] = {}
    if database:
        options["database"] = {"url": database}
    if seeds is not None:
        options["seeds"] = {"folder": seeds}
    context.obj = (settings, options)
    Logs(log_format, verbose=verbose).install()


init.register(app)
crawl.register(app)
run.register(app)
jobs.register(app)
reload.register(app)
worker.register(app)
web.register(app)
score.register(app)
calibrate.register(app)
topic.register(app)
feedback.register(app)
sources.register(app)
coverage.register(app)
stories.register(app)
revisions.register(app)
search.register(app)
evidence.register(app)
migrate_archive.register(app)
backup.register(app)
prune.register(app)
install_service.register(app)
alerts.register(app)
backfill.register(app)
audit.register(app)
doctor.register(app)


def main() -> None:
    """Run the command; 0 done, 1 it could not be done now, 2 something that you wrote needs mending."""
    try:
        app()
    except TripointError as error:
        complain(str(error))
        sys.exit(2 if isinstance(error, MendError) else 1)
    except KeyboardInterrupt:
        complain("stopped")
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has gone (`| head`); writing to it again at exit would raise once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
