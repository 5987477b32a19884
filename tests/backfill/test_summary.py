"""What a search tells at its end, and what it must not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from storage.backfill import Window
from tests.backfill.test_archives import DAYS
from tripoint.app.backfill.summary import remarks
from tripoint.domain.backfill import Counted, Shard, ShardState, day_start

INDEX = Window(
    1,
    Shard("archive", "x https://x.example/sitemap.xml", day_start(DAYS), day_start(DAYS), source="x"),
    *(ShardState.DONE, 0, 0, 0, ""),
)
SITEMAP = replace(INDEX, id=2, shard=replace(INDEX.shard, query="x https://x.example/sitemap-2018-08.xml"))
SILENT = "x: no archive page listed anything: it keeps none of these days, or its `archives` are wrong"


@pytest.mark.parametrize("state", ShardState)
def test_an_index_lists_nothing_itself_and_speaks_against_nobody_while_its_sitemaps_are_open(state: ShardState) -> None:
    """Trap: under `--limit` the index was read and its sitemaps were not, and the catalogue was called wrong."""
    said = remarks(1, [], [INDEX, replace(SITEMAP, state=state)])
    assert (SILENT in said) == (state is ShardState.DONE)


def test_what_several_name_counts_for_the_first_and_is_told() -> None:
    said = "3 finds were named before, by another window or provider; each counts for the first"
    counts = [Counted("archive", windows=2, found=4), Counted("gdelt", windows=1)]
    named = [replace(INDEX, found=each) for each in (4, 3)]
    assert said in remarks(1, counts, named)
    assert said not in remarks(1, counts, named[:1])


def test_one_sitemap_that_lists_something_is_enough() -> None:
    assert SILENT not in remarks(1, [], [INDEX, replace(SITEMAP, found=1)])
