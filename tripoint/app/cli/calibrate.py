"""`tripoint calibrate` and `tripoint evaluate`: fitting weights on labelled articles, and asking how good they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import track

from tripoint.app import calibrated, fitting
from tripoint.app.cli.grouped import evaluate_stories
from tripoint.app.cli.terminal import err, plain, print_json, print_table, settings_of
from tripoint.app.seeds import load_seeds, packaged_seeds
from tripoint.app.settings import Settings
from tripoint.domain.errors import MendError
from tripoint.relevance.calibration import Example
from tripoint.relevance.figures import RELEVANT_FROM, Judged, by, figures

_COLUMNS = ("", "articles", "relevant", "alerts", "precision", "recall", "F1", "average precision", "calibration error")


def register(app: typer.Typer) -> None:
    """Add the verbs."""

    @app.command(epilog="Example: tripoint calibrate   ·   tripoint calibrate --with-feedback --dry-run")
    def calibrate(
        context: typer.Context,
        check: Annotated[
            bool, typer.Option("--check", help="Write nothing; fail if the calibration file is stale.")
        ] = False,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing; show what would move.")] = False,
        with_feedback: Annotated[
            bool, typer.Option("--with-feedback", help="Learn from what `tripoint feedback` recorded as well.")
        ] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print the calibration as JSON.")] = False,
    ) -> None:
        """Fit each topic's weights and threshold on examples/*.jsonl of the seeds folder, and write calibration.json.

        The same seeds always give the same file. Figures are from cross-validation: each example is scored by weights
        that were fitted without it. What moves against the file as it is, is shown.
        """
        settings = settings_of(context)
        judged = _judged_by_readers(settings) if with_feedback else ()
        _calibrate(settings.seeds.folder, judged, check=check, dry_run=dry_run, as_json=as_json)

    @app.command(epilog="Example: tripoint evaluate judged.jsonl --json   ·   tripoint evaluate stories grouped.jsonl")
    def evaluate(
        context: typer.Context,
        file: Annotated[
            str,
            typer.Argument(
                metavar="FILE | stories FILE",
                help="Labelled articles: id, title, text, lang, grade, maybe category. "
                "After `stories`: reports with id, story, lang, published, title, text.",
            ),
        ],
        reports: Annotated[Path | None, typer.Argument(hidden=True)] = None,
        topic: Annotated[str, typer.Option(help="Topic to judge by; the first if not given.")] = "",
        mistakes: Annotated[int, typer.Option(help="How many of the worst mistakes to explain.")] = 10,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    ) -> None:
        """Score labelled articles, and print how good the scores are, by language and category, with mistakes.

        A grade of 2 or 3 means that the article deserves an alert, 0 or 1 that it does not. `evaluate stories FILE`
        groups labelled reports into stories instead, and prints B-cubed figures and pairs across languages.
        """
        if reports is not None:
            if file != "stories":
                raise MendError(f"two files, {file} and {reports}", f"tripoint evaluate stories {reports}")
            evaluate_stories(context, reports, mistakes, as_json=as_json)
            return
        _evaluate(context, Path(file), topic, mistakes, as_json=as_json)


def _judged_by_readers(settings: Settings) -> Sequence[Example]:
    from tripoint.app.wiring import opened_stores

    with opened_stores(settings) as stores:
        return fitting.feedback_examples(stores.feedback.everything())


def _calibrate(folder: Path | None, judged: Sequence[Example], *, check: bool, dry_run: bool, as_json: bool) -> None:
    keeps = check or dry_run
    if folder is None and not keeps:
        mend = "tripoint init seeds, then tripoint --seeds seeds calibrate"
        raise MendError("the packaged seeds are not for writing", mend)
    root: Any = folder if folder is not None else packaged_seeds()
    seeds = load_seeds(folder, with_fit=False)  # a calibration that is broken or old is about to be replaced
    fits = fitting.fit(seeds, root, (*calibrated.load_examples(root), *judged))
    text = fitting.as_json(fits)
    file = root / calibrated.FILE
    old = file.read_text(encoding="utf-8") if file.is_file() else ""
    if not keeps:
        fitting.write(Path(root), text)
    if as_json:
        print(text, end="")  # noqa: T201 - stdout is where results go
    else:
        _show(fits, old)
    if check and old != text:
        raise MendError(f"{calibrated.FILE} is stale", "run `tripoint calibrate` and keep what it writes")


def _show(fits: Sequence[fitting.Fit], old: str) -> None:
    before = fitting.numbers(old)
    for each in fits:
        report, threshold = each.calibration.report, each.calibration.threshold
        groups = {"all": report["cross_validated"], **report["by_language"], "naive rule": report["naive_rule"]}
        print_table(f"{each.topic}: cross-validated, alerts from {threshold:g}", _COLUMNS, _rows(groups))
        now = fitting.numbers(fitting.as_json([each]))[each.topic]
        was = before.get(each.topic, {})
        moved = [
            (name, was.get(name, "-"), value, f"{value - was[name]:+.4g}" if name in was else "new")
            for name, value in now.items()
            if was.get(name) != value
        ]
        if moved:
            print_table(f"{each.topic}: what moves", ("", "was", "is", "change"), moved)
        else:
            err().print(f"{each.topic}: no weight moves")


def _evaluate(context: typer.Context, file: Path, topic: str, mistakes: int, *, as_json: bool) -> None:
    try:
        examples = calibrated.read_examples(str(file), file.read_text(encoding="utf-8"))
    except OSError as error:
        raise MendError(f"{file}: {error.strerror}", "name a file of JSON lines") from error
    except UnicodeDecodeError as error:
        raise MendError(f"{file}: not UTF-8: {error.reason}", "save the file as UTF-8") from error
    if not examples:
        raise MendError(f"{file} holds no article", "write one JSON object a line")
    report = _evaluated(context, examples, topic, mistakes)
    if as_json:
        print_json(report)
        return
    groups = {"all": report["all"], **report["by_language"], **report["by_category"]}
    print_table(f"{file.name}: alerts from {report['threshold']:g}", _COLUMNS, _rows(groups))
    rows = [
        (each["id"], each["grade"], each["score"], plain(each["title"])[:70], each["why"])
        for each in report["mistakes"]
    ]
    if rows:
        print_table("worst mistakes", ("id", "grade", "score", "title", "why"), rows)


def _evaluated(context: typer.Context, examples: Sequence[Any], wanted: str, most: int) -> dict[str, Any]:
    from tripoint.app.wiring import build_judge

    seeds = load_seeds(settings_of(context).seeds.folder)
    names = [each.name for each in seeds.topics]
    if wanted and wanted not in names:
        raise MendError(f"no topic is called {wanted}", f"choose from {', '.join(names)}")
    name = wanted or names[0]
    judge = build_judge(seeds)
    judged, why = [], {}
    threshold = 0.5
    for each in track(examples, description="scoring", console=err(), disable=not err().is_terminal, transient=True):
        assessment = next(one for one in judge.assess(each.title, each.text, each.language) if one.topic == name)
        threshold = assessment.threshold
        judged.append(Judged(each.id, each.language, each.category or "-", each.grade, assessment.score))
        shares = sorted(assessment.shares, key=lambda share: -abs(share.share))[:3]
        told = ", ".join(f"{share.feature} {share.share:+.2f}" for share in shares if share.share)
        why[each.id] = assessment.note or told or "core or partner not found"
    wrong = [each for each in judged if (each.score >= threshold) != each.is_relevant]
    wrong.sort(key=lambda each: -abs(each.score - threshold))
    titles = {each.id: each.title or each.text[:80] for each in examples}
    return {
        "topic": name,
        "threshold": threshold,
        "relevant_from_grade": RELEVANT_FROM,
        "all": figures(judged, threshold),
        "by_language": by(judged, lambda each: each.language or "-", threshold),
        "by_category": by(judged, lambda each: each.category, threshold),
        "mistakes": [
            {"id": each.id, "grade": each.grade, "score": each.score, "title": titles[each.id], "why": why[each.id]}
            for each in wrong[:most]
        ],
    }


def _rows(groups: dict[str, dict[str, Any]]) -> list[tuple[object, ...]]:
    keys = ("articles", "relevant", "alerts", "precision", "recall", "f1", "average_precision", "calibration_error")
    return [(name, *("-" if each[key] is None else each[key] for key in keys)) for name, each in groups.items()]
