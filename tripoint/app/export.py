"""Hits out to spreadsheets, scripts and data frames: CSV, JSON lines and Parquet, written as they are found."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any

from storage.search import SearchHit
from tripoint.domain.errors import MendError

COLUMNS = (
    "article",
    "published",
    "first_seen",
    "outlet",
    "source",
    "language",
    "title",
    "score",
    "relevant",
    "story",
    "url",
    "snippet",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
_ROW_GROUP = 5_000  # rows of Parquet that are held at once


def row(hit: SearchHit) -> dict[str, Any]:
    """Return a hit as flat values, times as they are."""
    values = (
        hit.article_id,
        hit.published,
        hit.first_seen_at,
        hit.outlet,
        hit.source,
        hit.language,
        hit.title.text,
        round(hit.score, 4),
        hit.is_relevant,
        hit.story,
        hit.url,
        hit.snippet.text,
    )
    return dict(zip(COLUMNS, values, strict=True))


def write_csv(hits: Iterable[SearchHit], file: IO[str]) -> int:
    """Write a header and a row a hit; returns how many.

    A spreadsheet would run a cell that begins as a formula does, so such a one begins with an apostrophe.
    """
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    count = 0
    for hit in hits:
        count += 1
        writer.writerow([_cell(each) for each in row(hit).values()])
    return count


def _cell(value: object) -> object:
    if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA):
        return f"'{value}"
    return _plain(value)


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def write_json_lines(hits: Iterable[SearchHit], file: IO[str]) -> int:
    """Write an object a line; returns how many."""
    count = 0
    for hit in hits:
        count += 1
        value = {name: _plain(each) for name, each in row(hit).items()}
        file.write(json.dumps(value, ensure_ascii=False) + "\n")
    return count


def write_parquet(hits: Iterable[SearchHit], path: Path) -> int:
    """Write a Parquet file, some thousand rows at a time; returns how many. Raises `MendError` without pyarrow."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        raise MendError("Parquet needs pyarrow", 'install it with: pip install "tripoint[parquet]"') from error
    moment = pa.timestamp("us", tz="UTC")
    kinds = {"article": pa.int64(), "published": moment, "first_seen": moment, "score": pa.float64()}
    kinds["relevant"] = pa.bool_()
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS])
    count = 0
    with parquet.ParquetWriter(path, schema) as writer:
        for batch in _batches(hits):
            rows = [row(each) for each in batch]
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))
            count += len(rows)
    return count


def _batches(hits: Iterable[SearchHit]) -> Iterator[list[SearchHit]]:
    rest = iter(hits)
    while batch := list(islice(rest, _ROW_GROUP)):
        yield batch
