"""`tripoint evaluate stories`: how well reports that somebody grouped are grouped again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from tripoint.app.cli.terminal import out, plain, print_json, print_table, settings_of
from tripoint.app.evaluated import Evaluation, Mistake, evaluate, load_reports
from tripoint.app.seeds import load_seeds
from tripoint.stories.figures import Figures
from tripoint.stories.signature import Reader

_COLUMNS = ("", "counted", "precision", "recall", "F1")


def evaluate_stories(context: typer.Context, file: Path, mistakes: int, *, as_json: bool) -> None:
    """Group labelled reports by themselves, and print figures and the surest mistakes."""
    seeds = load_seeds(settings_of(context).seeds.folder)
    reader = Reader(seeds.glossary, seeds.grouping.rarity)
    done = evaluate(seeds.grouping, reader, load_reports(file), mistakes=mistakes)
    if as_json:
        print_json(_as_json(done))
        return
    rows = [("B-cubed", done.overall), *((f"B-cubed, {name}", each) for name, each in done.by_language.items())]
    if len(done.by_language) > 1:
        rows.append(("pairs across languages", done.cross_language))
    rows.append(("all pairs", done.pairs))
    title = f"{file.name}: {done.reports} reports of {done.stories} stories, {done.found} found"
    print_table(title, _COLUMNS, [(name, each.count, *_rounded(each)) for name, each in rows])
    out().print(f"in five other orders, reports up to a day late: B-cubed F1 {done.order:.3f} against this grouping")
    if done.mistakes:
        print_table("surest mistakes", ("put", "probability", "report", "and"), [_row(each) for each in done.mistakes])


def _rounded(figures: Figures) -> tuple[float, float, float]:
    return round(figures.precision, 3), round(figures.recall, 3), round(figures.f1, 3)


def _row(mistake: Mistake) -> tuple[object, ...]:
    one, other = (f"{each.id} {plain(each.title)[:60]}" for each in (mistake.one, mistake.other))
    return "together" if mistake.is_together else "apart", round(mistake.probability, 3), one, other


def _as_json(done: Evaluation) -> dict[str, Any]:
    def figures(each: Figures) -> dict[str, float]:
        precision, recall, f1 = _rounded(each)
        return {"precision": precision, "recall": recall, "f1": f1, "counted": each.count}

    return {
        "reports": done.reports,
        "stories": done.stories,
        "found": done.found,
        "b_cubed": figures(done.overall),
        "by_language": {name: figures(each) for name, each in done.by_language.items()},
        "pairs": figures(done.pairs),
        "cross_language_pairs": figures(done.cross_language),
        "other_orders_b_cubed_f1": round(done.order, 3),
        "mistakes": [
            {
                "put": "together" if each.is_together else "apart",
                "probability": round(each.probability, 3),
                "one": each.one.id,
                "other": each.other.id,
                "titles": [each.one.title, each.other.title],
            }
            for each in done.mistakes
        ],
    }
