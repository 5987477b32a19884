"""Where alerts go: one Apprise service each. Its address is a secret, and never leaves this file in any text."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import hashlib
import logging
import re
import threading
import urllib.parse
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from apprise import Apprise, NotifyBase, NotifyFormat
from apprise.result import AppriseResult

from alerts.attempt import Attempt, Said, current, remember_who_has_it, watch_answers
from alerts.guard import in_force
from alerts.mail import StoryMail
from alerts.message import Format, Message, Reader
from alerts.services import best_form, keep_logs_in, open_service, room_for
from tripoint.domain.addresses import AddressGuard
from tripoint.domain.errors import SettingsError
from tripoint.domain.text import one_line
from tripoint.domain.types import Outcome

_APPRISE_FORMATS = {
    Format.TEXT: NotifyFormat.TEXT,
    Format.MARKDOWN: NotifyFormat.MARKDOWN,
    Format.HTML: NotifyFormat.HTML,
}
_LONGEST_DETAIL = 300
_WHOLE = "all"  # the mark of a service that has all of a message
_PATH = re.compile(r"with url: \S+")  # of a webhook it is the token
# Services that show a title as plain text. To others it would go as markup of theirs: there the body begins with it.
_PLAIN_TITLES = frozenset(
    "JSON XML FORM ntfy Gotify Pushover Pushbullet Prowl Join Bark SendGrid Mailgun Brevo Resend Postmark SMTP2Go"
    " SparkPost MailerSend".split()
)


Keep = Callable[[Sequence[str]], Awaitable[None]]
"""Remembers marks of who has a message that others lack yet."""


class Secret:
    """A text that no log, error or page may show."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def reveal(self) -> str:
        """Return the text itself, for the one who hands it to the service."""
        return self._value


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service made of a message."""

    outcome: Outcome
    detail: str  #: one line, no secrets
    retry_after_s: float | None = None  #: what the service asked for when it refused
    services: tuple[ServiceAnswer, ...] = ()  #: of each single service of the channel
    taken: tuple[str, ...] = ()  #: marks of who has it, where others lack it


@dataclass(frozen=True, slots=True)
class ServiceAnswer:
    """What one service of a channel made of a message."""

    service: str
    outcome: Outcome
    detail: str
    retry_after_s: float | None = None


class Channel:
    """One place to which alerts go: one service, or several that each have an outcome of their own."""

    def __init__(
        self,
        name: str,
        services: Sequence[NotifyBase],
        reader: Reader,
        secrets: tuple[str, ...] = (),
        guard: AddressGuard | None = None,
    ) -> None:
        self._guard = guard
        self.name = name
        self.reader = reader
        self.kind = ", ".join(dict.fromkeys(str(each.service_name) for each in services))
        self._services = tuple(services)
        self._secrets = secrets
        self._busy: set[int] = set()  # services in which an attempt that was given up has not ended
        self._taken: dict[tuple[str, str], list[set[str]]] = {}  # of messages that not everybody has: who has it
        self._marks = tuple(_marks_of(services))
        for each in services:
            remember_who_has_it(each)

    def __repr__(self) -> str:
        return f"Channel({self.name!r}, {self.kind})"

    @property
    def form(self) -> Format:
        """Return how its messages are written."""
        return self.reader.form

    async def send(
        self, message: Message, timeout_s: float, known: Iterable[str] = (), keep: Keep | None = None
    ) -> Answer:
        """Hand a message to every service and say what became of it; never raises for what a service does.

        A service, recipient or part that accepted it before is left out when the same message is tried again: `known`
        has the marks of an earlier attempt (`Answer.taken`), and `keep` is told of new ones while others still try.
        """
        key = (message.reference, message.occasion)
        taken = self._taken.setdefault(key, [set() for _ in self._services])
        for mark, marks in zip(self._marks, taken, strict=True):
            marks.update(each.removeprefix(mark) for each in known if each.startswith(mark))
        trying = len(self._services)

        async def one(index: int) -> ServiceAnswer:
            nonlocal trying
            answer = await self._send_one(index, Attempt(message, taken[index]), timeout_s)
            trying -= 1
            if keep and trying and taken[index]:
                await keep(self._said_of(taken))
            return answer

        told = await asyncio.gather(*(one(index) for index in range(len(self._services))))
        answer = together(told)
        if not message.reference or answer.outcome is Outcome.ACCEPTED:
            self._taken.pop(key, None)
            return answer
        return replace(answer, taken=self._said_of(taken))

    def _said_of(self, taken: Sequence[set[str]]) -> tuple[str, ...]:
        return tuple(f"{mark}{each}" for mark, marks in zip(self._marks, taken, strict=True) for each in sorted(marks))

    async def _send_one(self, index: int, attempt: Attempt, timeout_s: float) -> ServiceAnswer:
        service = self._services[index]
        name = str(service.service_name)
        if _WHOLE in attempt.taken:
            return ServiceAnswer(name, Outcome.ACCEPTED, "accepted before")
        if index in self._busy:
            return ServiceAnswer(name, Outcome.TRANSIENT, "the attempt before has not ended yet")
        self._busy.add(index)
        try:
            result = await asyncio.wait_for(self._in_thread(index, attempt), timeout_s)
        except TimeoutError:
            return ServiceAnswer(name, Outcome.TRANSIENT, f"no answer within {timeout_s:g} s")
        if result:
            return ServiceAnswer(name, Outcome.ACCEPTED, "accepted")
        logs = [str(entry.message) for each in result for tried in each.attempts for entry in tried.logs]
        asked = [each.retry_after_s for each in attempt.said if each.retry_after_s is not None]
        # One refusal that is final says nothing of other recipients, nor of a step that failed after it.
        refused = [each for each in attempt.said if each.is_refusal]
        is_final = bool(refused) and all(each.is_final for each in refused)
        outcome = Outcome.PERMANENT if is_final else Outcome.TRANSIENT
        return ServiceAnswer(name, outcome, self._detail(attempt.said, logs), max(asked, default=None))

    def _in_thread(self, index: int, attempt: Attempt) -> asyncio.Future[AppriseResult]:
        """Run a service in a thread of its own: a stuck one takes no thread from others, nor holds up the exit."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[AppriseResult] = loop.create_future()

        def settle(result: AppriseResult | None, error: Exception | None) -> None:
            self._busy.discard(index)
            if done.done():
                return
            if error is not None:
                done.set_exception(error)
            elif result is not None:
                done.set_result(result)

        def work() -> None:
            current.set(attempt)
            in_force.set(self._guard)
            result, problem = None, None
            try:
                result = self._notify(self._services[index], attempt.message)
                if result:  # here and not where the answer is waited for: it may come after we gave up on it
                    attempt.taken.add(_WHOLE)
            except Exception as error:  # noqa: BLE001 - handed to the one who waits
                problem = error
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(settle, result, problem)

        threading.Thread(target=contextvars.copy_context().run, args=(work,), daemon=True, name=self.name).start()
        return done

    def _notify(self, service: NotifyBase, message: Message) -> AppriseResult:
        apprise = Apprise()
        apprise.add(service)
        titled = isinstance(service, StoryMail) or str(service.service_name) in _PLAIN_TITLES
        return apprise.notify(
            body=message.body,
            title=message.subject if titled else "",
            body_format=_APPRISE_FORMATS[message.format],
            log_level=logging.DEBUG,
        )

    def _detail(self, said: Sequence[Said], logs: Sequence[str]) -> str:
        refused = [each for each in said if each.is_refusal]
        if refused:
            last = refused[-1]
            wait = f" (asks to wait {last.retry_after_s:g} s)" if last.retry_after_s is not None else ""
            text = f"{last.protocol} {last.status or 'error'}: {last.text}{wait}"
        else:
            telling = [each for each in logs if "xception" in each]
            answered = [each.text for each in said[-1:]]
            text = " / ".join(dict.fromkeys([*telling, *answered, *logs[-1:]])) or "the service refused it"
        text = _PATH.sub("", one_line(text))
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text[:_LONGEST_DETAIL]


def _marks_of(services: Sequence[NotifyBase]) -> Iterable[str]:
    """Return what begins the marks of each service: the same after a restart, another for another address.

    Made of what Apprise shows of an address where secrets must not be shown.
    """
    seen: Counter[str] = Counter()
    for each in services:
        shown = hashlib.sha256(str(each.url(privacy=True)).encode()).hexdigest()[:12]
        seen[shown] += 1
        yield f"{shown}.{seen[shown]}:"


def together(told: Sequence[ServiceAnswer]) -> Answer:
    """Return the answer of a channel: tried again as long as one of its services may yet accept."""
    outcomes = {each.outcome for each in told}
    outcome = next(
        (each for each in (Outcome.TRANSIENT, Outcome.PERMANENT) if each in outcomes),
        Outcome.ACCEPTED,
    )
    detail = told[0].detail if len(told) == 1 else "; ".join(f"{each.service}: {each.detail}" for each in told)
    asked = [each.retry_after_s for each in told if each.retry_after_s is not None]
    return Answer(outcome, detail, max(asked, default=None), tuple(told))


def open_channel(
    name: str,
    url: Secret,
    form: str,
    write: Callable[[str], None],
    language: str = "en",
    timezone: str = "",
    guard: AddressGuard | None = None,
) -> Channel:
    """Return the channel of one or several Apprise URLs, parted by space; `write` is where `console://` goes.

    Its webhooks go only where `guard` lets them. Raises `SettingsError`, which names the channel and never the URL.
    """
    lines = [each for each in url.reveal().splitlines() if not each.strip().startswith("#")]
    addresses = " ".join(lines).split()
    if not addresses:
        raise SettingsError(f"channel `{name}` has an empty address", "write an Apprise URL into it")
    keep_logs_in()
    watch_answers()
    services = [open_service(name, each, write) for each in addresses]
    chosen = Format(form) if form else best_form(services[0])
    limits = [room_for(each) for each in services]
    reader = Reader(
        chosen,
        language,
        timezone,
        longest=min((each for each in limits if each), default=0),
        in_bytes=any(str(each.service_name) == "IRC" for each in services),
    )
    return Channel(name, services, reader, tuple(secret for each in addresses for secret in _secrets_in(each)), guard)


def _secrets_in(address: str) -> tuple[str, ...]:
    """Return every part of an Apprise URL that may be a password or token, the longest first."""
    parts = urllib.parse.urlsplit(address)
    found = {address, parts.netloc, parts.password or "", parts.username or "", parts.query}
    found.update(parts.path.split("/"))
    for _, value in urllib.parse.parse_qsl(parts.query):
        found.add(value)
    plain = found | {urllib.parse.unquote(each) for each in found}
    return tuple(sorted((each for each in plain if len(each) >= 4), key=len, reverse=True))
