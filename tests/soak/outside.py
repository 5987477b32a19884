"""What is around the house, in a process of its own, so that what it remembers is not taken for the house's memory."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.mail import MailServer, Received
from tests.newsroom import Behaviour, NewsPage, NewsroomThread, Outlet

_ROOT = Path(__file__).resolve().parents[2]
_REF = re.compile(r"\bref ([0-9a-f]{12})\b")
_STOP_S = 30.0


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that somebody got."""

    recipient: str
    reference: str  #: "" where it names none
    subject: str


class Outside:
    """Runs the newsroom and the mail server while the `with` lasts; each call returns when it is done there."""

    def __init__(self, folder: Path, outlets: Sequence[Outlet], domain: str) -> None:
        self._given = (folder, list(outlets), domain)
        self._bases: dict[str, str] = {}
        self.mail_port = 0
        self.authority = folder  #: of the mail server's certificate, once it runs

    def __enter__(self) -> Self:
        """Start it, and return once all is served."""
        ours, theirs = socket.socketpair()
        with theirs:
            quiet = ("-W", "ignore::DeprecationWarning")  # of the libraries of the servers
            start = "from tests.soak.outside import main; main()"
            command = [sys.executable, *quiet, "-c", start, str(theirs.fileno())]
            self._process = subprocess.Popen(command, cwd=_ROOT, pass_fds=[theirs.fileno()])
        self._line = Connection(ours.detach())
        self._line.send(self._given)
        self.mail_port, self.authority, self._bases = self._line.recv()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hang up, at which it ends."""
        self._line.close()
        with self._process:
            try:
                self._process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()

    @property
    def pid(self) -> int:
        """Return its process."""
        return self._process.pid

    def base(self, outlet: str) -> str:
        """Return where an outlet answers, without a slash at the end."""
        return self._bases[outlet]

    def publish(self, outlet: str, page: NewsPage) -> None:
        """Add a page."""
        self._do("publish", outlet, page)

    def behave(self, outlet: str, path: str, behaviour: Behaviour | None) -> None:
        """Change how a path answers, "*" any other; None restores the usual."""
        self._do("behave", outlet, path, behaviour)

    def refuse_mail(self, refusal: str, behaviour: str = "") -> None:
        """Answer mail so, or behave so, until told otherwise; "" accepts it."""
        self._do("refuse_mail", refusal, behaviour)

    def letters(self) -> list[Letter]:
        """Return what has been accepted since, and forget it and what was asked of the outlets."""
        letters: list[Letter] = self._do("letters")
        return letters

    def _do(self, name: str, *given: Any) -> Any:
        self._line.send((name, given))
        return self._line.recv()


def main() -> None:
    """Serve whoever holds the other end of the line, whose descriptor is the only argument."""
    with Connection(int(sys.argv[1])) as line:
        _serve(line)


def _serve(line: Connection) -> None:
    folder, outlets, domain = line.recv()
    with MailServer(folder) as mail, NewsroomThread(outlets, hosts=False, domain=domain) as room:

        def refuse_mail(refusal: str, behaviour: str) -> None:
            mail.inbox.refusal, mail.inbox.behaviour = refusal, behaviour

        def letters() -> list[Letter]:
            room.forget()
            with mail.inbox.lock:
                fresh, mail.inbox.received = mail.inbox.received, []
            return [letter for each in fresh for letter in _letters(each)]

        deeds: dict[str, Callable[..., Any]] = {
            "publish": room.publish,
            "behave": room.behave,
            "refuse_mail": refuse_mail,
            "letters": letters,
        }
        line.send((mail.port, mail.authority, {each.name: room.base(each.name) for each in outlets}))
        while True:
            try:
                name, given = line.recv()
            except EOFError:  # the house is gone
                return
            line.send(deeds[name](*given))


def _letters(mail: Received) -> list[Letter]:
    found = _REF.findall(mail.text)
    reference = found[-1] if found else ""
    return [Letter(each.partition("@")[0], reference, mail.subject) for each in mail.recipients]
