"""A folder that proves what an outlet published: pages as WARC, text, judgement, changes, and hashes of them all."""

from __future__ import annotations

import difflib
import gzip
import hashlib
import json
import uuid
from base64 import b32encode
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from storage.articles import StoredArticle
from storage.evidence import KeptPage
from tripoint.domain.errors import MendError
from tripoint.domain.types import Assessment

MANIFEST = "manifest.json"
WARC = "pages.warc.gz"
Revision = tuple[int, str, str]  # number, title, text

# They told of the transfer and not of the page, which is kept unpacked: a reader of the WARC would unpack it again.
_OF_TRANSFER = frozenset({"content-encoding", "transfer-encoding", "content-length", "connection"})


def write_pack(
    folder: Path,
    stored: StoredArticle,
    assessments: Sequence[Assessment],
    revisions: Sequence[Revision],
    pages: Sequence[KeptPage],
    made_at: datetime,
) -> tuple[str, ...]:
    """Write the pack of an article into an empty or new folder; return the names of its files."""
    if folder.exists() and any(folder.iterdir()):
        raise MendError(f"{folder} is not empty", "name a new folder with --output")
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "article.txt": f"{stored.article.title}\n\n{stored.article.text}\n".encode(),
        "article.json": _json(_described(stored)),
        "assessment.json": _json([_taken_apart(each) for each in assessments]),
        "revisions.json": _json([{"revision": n, "title": title, "text": text} for n, title, text in revisions]),
        "revisions.diff": "".join(_diffs(revisions)).encode(),
    }
    if pages:
        files[WARC] = warc(pages, made_at)
    manifest = {
        "article": stored.id,
        "url": stored.article.url,
        "made_at": made_at,
        "pages": [
            {"revision": each.revision, "url": each.url, "fetched_at": each.fetched_at, "sha256": each.sha256}
            for each in pages
        ],
        "files": {name: {"sha256": _sha256(body), "size": len(body)} for name, body in files.items()},
    }
    for name, body in files.items():
        (folder / name).write_bytes(body)
    (folder / MANIFEST).write_bytes(_json(manifest))
    return (*files, MANIFEST)


def verify_pack(folder: Path) -> tuple[str, ...]:
    """Return what is wrong with a pack: files that were changed, are missing, or are not of it; nothing if it holds."""
    try:
        files = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
        told = {str(name): str(each["sha256"]) for name, each in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise MendError(f"{folder} holds no readable {MANIFEST}", "name the folder of a pack") from error
    problems = []
    for name, sha256 in told.items():
        path = folder / name
        if Path(name).name != name or not path.is_file():
            problems.append(f"{name}: missing")
        elif _sha256(path.read_bytes()) != sha256:
            problems.append(f"{name}: changed")
    extra = {each.name for each in folder.iterdir()} - {*told, MANIFEST}
    problems.extend(f"{name}: not of this pack" for name in sorted(extra))
    return tuple(problems)


def _taken_apart(assessment: Assessment) -> dict[str, object]:
    return {**asdict(assessment), "hits": [each._asdict() for each in assessment.hits]}


def _described(stored: StoredArticle) -> dict[str, Any]:
    described = {key: value for key, value in asdict(stored.article).items() if key != "text"}
    return {**described, "story": stored.story, "revision": stored.revision, "first_seen_at": stored.first_seen_at}


def _diffs(revisions: Sequence[Revision]) -> Iterator[str]:
    for before, after in pairwise(revisions):
        one, other = (f"{title}\n\n{text}\n".splitlines(keepends=True) for _, title, text in (before, after))
        yield from difflib.unified_diff(one, other, f"revision {before[0]}", f"revision {after[0]}")


def _json(value: object) -> bytes:
    text = json.dumps(value, ensure_ascii=False, indent=1, default=_as_text)
    return f"{text}\n".encode("utf-8", "replace")


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def warc(pages: Sequence[KeptPage], made_at: datetime) -> bytes:
    """Return pages as WARC 1.1 (ISO 28500:2017), a gzip member a record, as readers expect."""
    told = b"software: tripoint\r\nformat: WARC File Format 1.1\r\n"
    records = [_record("warcinfo", made_at, "application/warc-fields", told, {})]
    for page in pages:
        kept = [(name, value) for name, value in page.headers if name.lower() not in _OF_TRANSFER]
        lines = [f"HTTP/1.1 {page.status} {_REASONS.get(page.status, 'Status')}"]
        lines += [f"{_line(name)}: {_line(value)}" for name, value in kept]
        lines.append(f"Content-Length: {len(page.body)}")
        head = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
        fields = {"WARC-Target-URI": _line(page.url), "WARC-Payload-Digest": _digest(page.body)}
        kind = "application/http;msgtype=response"
        records.append(_record("response", page.fetched_at, kind, head + page.body, fields))
    return b"".join(gzip.compress(each, mtime=0) for each in records)


_REASONS = {200: "OK", 203: "Non-Authoritative Information", 206: "Partial Content"}


def _record(kind: str, at: datetime, content_type: str, block: bytes, fields: dict[str, str]) -> bytes:
    stamp = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    name = uuid.uuid5(uuid.NAMESPACE_URL, f"{kind} {stamp} {hashlib.sha256(block).hexdigest()}")
    head = {
        "WARC-Type": kind,
        "WARC-Record-ID": f"<urn:uuid:{name}>",
        "WARC-Date": stamp,
        **fields,
        "WARC-Block-Digest": _digest(block),
        "Content-Type": content_type,
        "Content-Length": str(len(block)),
    }
    lines = "\r\n".join(["WARC/1.1", *(f"{key}: {value}" for key, value in head.items())])
    return lines.encode() + b"\r\n\r\n" + block + b"\r\n\r\n"


def _digest(body: bytes) -> str:
    # What every reader checks; the manifest's SHA-256 is what proves.
    return "sha1:" + b32encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode()


def _line(text: str) -> str:
    return " ".join(text.split())
