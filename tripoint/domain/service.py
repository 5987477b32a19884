"""What the service tells of itself, and what other processes may ask of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class JobResult(StrEnum):
    """What became of a run."""

    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"  #: it was due while nothing ran, and its rule leaves such a run out


@dataclass(frozen=True, slots=True)
class JobRun:
    """One run of a job."""

    name: str
    started_at: datetime
    duration_s: float
    result: JobResult
    detail: str  #: one line, empty where there was nothing to do


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job as the ledger has it."""

    name: str
    rule: str
    due_at: datetime
    last: JobRun | None
    failures: int  #: in a row


class AskVerb(StrEnum):
    """What may be asked of a running service."""

    RUN = "run"
    RELOAD = "reload"


@dataclass(frozen=True, slots=True)
class Ask:
    """Something that another process asks of the running service, and the answer once there is one."""

    id: int
    verb: AskVerb
    argument: str
    asked_at: datetime
    answered_at: datetime | None = None
    good: bool = False
    answer: str = ""
