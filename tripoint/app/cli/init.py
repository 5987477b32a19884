"""`tripoint init`: copy the seeds out for editing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tripoint.app.cli.terminal import err, print_json
from tripoint.app.seeds import copy_seeds


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @app.command(epilog="Example: tripoint init my-seeds && tripoint --seeds my-seeds sources list")
    def init(
        folder: Annotated[Path, typer.Argument(help="Where to copy to; made if it is not there.")],
        as_json: Annotated[bool, typer.Option("--json", help="Print what was done to each file as JSON.")] = False,
    ) -> None:
        """Copy topic, lexicon and source catalogue into FOLDER for editing; an edited file is never overwritten."""
        done = copy_seeds(folder)
        if as_json:
            print_json([{"path": each.path, "action": each.action} for each in done])
            return
        for each in done:
            remark = " (edited by you; left as it is)" if each.action == "kept" else ""
            typer.echo(f"{each.action:9} {folder / each.path}{remark}")
        err().print(f'Use them with `tripoint --seeds {folder} …`, or set folder = "{folder}" under [seeds].')
