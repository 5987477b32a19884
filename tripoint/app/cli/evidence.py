"""`tripoint evidence`: a folder that proves what an outlet published, its check, and forgetting old pages."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from tripoint.app.cli.feedback import article_number
from tripoint.app.cli.terminal import err, out, plain, print_json, settings_of
from tripoint.domain.errors import MendError, StorageError

_EPILOG = "Example: tripoint evidence 17 --output case-4   ·   tripoint evidence --verify case-4"


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command(epilog=_EPILOG)
    def evidence(
        context: typer.Context,
        article: Annotated[str, typer.Argument(help="Number or address of a stored article.")] = "",
        output: Annotated[Path | None, typer.Option("--output", "-o", help="New folder for the pack.")] = None,
        verify: Annotated[Path | None, typer.Option(help="Check the hashes of a pack instead.")] = None,
        prune: Annotated[bool, typer.Option("--prune", help="Forget pages older than evidence.keep_days.")] = False,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="With --prune: only say what would go.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    ) -> None:
        """Write the evidence of an article: its pages as WARC, text, judgement, revisions with diffs, hashes."""
        chosen = [bool(article), verify is not None, prune]
        if sum(chosen) != 1:
            raise MendError("one thing at a time", "name an article, or use --verify PACK, or --prune")
        if verify is not None:
            _verify(verify, as_json=as_json)
        elif prune:
            _prune(context, dry_run=dry_run, as_json=as_json)
        else:
            _write(context, article, output, as_json=as_json)


def _write(context: typer.Context, wanted: str, output: Path | None, *, as_json: bool) -> None:
    from tripoint.app.evidence_pack import write_pack
    from tripoint.app.wiring import opened_stores, utc_now

    with opened_stores(settings_of(context)) as stores:
        number = article_number(stores, wanted)
        stored = stores.articles.get(number)
        if stored is None:
            raise MendError(f"no article {number} is stored", "it was deleted just now")
        folder = output or Path(f"evidence-{number}")
        pages = stores.evidence.of(number)
        shares = stores.evidence.shares(number)
        told = [replace(each, shares=shares.get(each.topic, ())) for each in stored.assessments]
        try:
            names = write_pack(folder, stored, told, stores.articles.revisions(number), pages, utc_now())
        except OSError as error:
            raise StorageError(f"cannot write {folder}: {error.strerror}", "name another folder") from error
    if not pages:
        reason = "no page was kept: it was not relevant when it was read, or it was read before pages were kept"
        err().print(f"{reason}, or it was pruned; the pack holds text and judgement")
    if as_json:
        print_json({"folder": str(folder), "files": names, "pages": len(pages)})
    else:
        out().print(
            f"{len(names)} files in {folder}, {len(pages)} pages; check with: tripoint evidence --verify {folder}"
        )


def _verify(folder: Path, *, as_json: bool) -> None:
    from tripoint.app.evidence_pack import verify_pack

    problems = verify_pack(folder)
    if as_json:
        print_json({"folder": str(folder), "holds": not problems, "problems": problems})
    elif problems:
        for each in problems:
            out().print(plain(each))
    else:
        out().print(f"{folder}: every file is as it was written")
    if problems:
        raise typer.Exit(1)


def _prune(context: typer.Context, *, dry_run: bool, as_json: bool) -> None:
    from tripoint.app.wiring import opened_stores, utc_now

    settings = settings_of(context)
    days = settings.evidence.keep_days
    if not days:
        raise MendError("pages are kept for ever", "set keep_days under [evidence]")
    with opened_stores(settings) as stores:
        gone = stores.evidence.prune(utc_now() - timedelta(days=days), is_tried=dry_run)
    if as_json:
        print_json({"pages": gone.pages, "bytes": gone.bytes, "dry_run": dry_run})
    else:
        verb = "would be forgotten" if dry_run else "were forgotten"
        out().print(f"{gone.pages} pages, {gone.bytes / 1e6:.1f} MB, {verb}; the articles stay")
