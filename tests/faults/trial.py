"""The trial: a real service delivers while its servers come and go and it is killed; then the accounts are drawn up."""

from __future__ import annotations

import random
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from storage.alerts import AlertStore
from storage.database import open_database
from tests.faults.accounts import Account, Mark, mark_in
from tests.faults.servers import Hook, Place, weather
from tests.house import House
from tests.killing import kill
from tests.mail import MailServer
from tripoint.domain.types import Alert, AlertKey, Evidence, Marked

_IN_DOUBT = """
select channel, json_extract(evidence, '$.title') from alerts where state = 'sending'
or (state = 'pending' and (last_detail like 'no answer within%' or last_detail like 'the attempt before%'))
"""
_BEING_SENT = "select id, attempts from alerts where state = 'sending'"  # once, however often it is looked at


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how hard a trial is."""

    stories: int
    parts: int  #: of each story: the first alert, and updates
    kills: int
    dwell_s: tuple[float, float]  #: how long a server keeps a mood, from and to
    timeout_s: float  #: of an attempt
    patience_s: float  #: without any arrival, and the trial has failed
    seed: int

    @property
    def alerts(self) -> int:
        """Return how many alerts each channel must get."""
        return self.stories * self.parts


@dataclass(slots=True)
class Result:
    """What a trial came to."""

    accounts: list[Account]
    kills: list[float]  #: when, by the steady clock
    being_sent: int  #: how many were, over all kills
    interrupted: int  #: attempts that the product itself recorded as such
    impatient: int  #: times that a Retry-After was not heeded
    took_s: float
    attempts: dict[str, int]
    waits_s: list[float] = field(default_factory=list)  #: from queued to sent
    log: str = ""

    @property
    def problems(self) -> list[str]:
        """Return all that is wrong."""
        found = [problem for each in self.accounts for problem in each.problems()]
        if self.impatient:
            found.append(f"a Retry-After was not heeded {self.impatient} times")
        if self.interrupted != self.being_sent:
            found.append(f"{self.being_sent} attempts were cut off, and the record says {self.interrupted}")
        return found


class _Service:
    """`tripoint run` over a house that has nothing to read, which is killed and started again."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.log = house.folder / "service.log"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        with self.log.open("a", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                self._house.command("run"),
                stdout=log,
                stderr=log,
                text=True,
                env=self._house.environ(),
                cwd=self._house.folder,
            )

    def kill(self) -> None:
        assert self._process is not None
        kill(self._process)

    def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        code = self._process.wait(60)
        if code:
            raise AssertionError(f"the service ended with {code}:\n{self.log.read_text()[-2000:]}")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, how: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            kill(self._process)

    def check(self) -> None:
        """Raise `AssertionError` where it ended by itself."""
        if self._process is not None and self._process.poll() is not None:
            raise AssertionError(f"the service ended with {self._process.returncode}:\n{self.log.read_text()[-2000:]}")


def run_trial(
    house: House, places: Sequence[Place], mail: MailServer, plan: Plan, say: Callable[[str], None] = lambda _line: None
) -> Result:
    """Queue alerts part by part, deliver them through bad weather and kills, and draw up the accounts."""
    dice = random.Random(plan.seed)  # noqa: S311 - it makes weather
    _settle_in(house, places, mail, plan)
    service, doubts, kills, cut = _Service(house), Counter[tuple[str, Mark]](), list[float](), set[tuple[int, int]]()
    begun = time.monotonic()
    with _queueing(house, [each.name for each in places], plan) as is_queued, service:
        with weather(places, plan.dwell_s, lambda: random.Random(dice.random())):  # noqa: S311
            for number in range(plan.kills):
                share = (number + dice.uniform(0.3, 1.0)) / plan.kills
                _wait_until(
                    lambda least=share: _sent(house) >= least * plan.alerts * len(places) * 0.9, house, service, plan
                )
                threading.Event().wait(dice.uniform(0, 0.1))
                service.kill()
                kills.append(time.monotonic())
                found = house.rows(_IN_DOUBT)
                doubts.update((channel, mark_in(title)) for channel, title in found)
                cut.update((each, tries) for each, tries in house.rows(_BEING_SENT))
                say(f"  kill {number + 1}: {_sent(house)} sent, {len(found)} in doubt")
                service.start()
        _wait_until(lambda: is_queued() and _sent(house) >= plan.alerts * len(places), house, service, plan)
        took_s = time.monotonic() - begun
        service.stop()
    due = frozenset(Mark(story, part) for story in range(plan.stories) for part in range(plan.parts))
    for each in places:
        _wait_for_reader(each, due)
    accounts = [
        Account(each.name, due, each.arrived(), {mark: n for (name, mark), n in doubts.items() if name == each.name})
        for each in places
    ]
    return Result(
        accounts,
        kills,
        len(cut),
        house.rows("select count(*) from deliveries where detail like 'cut off:%'")[0][0],
        sum(each.impatient(kills) for each in places if isinstance(each, Hook)),
        took_s,
        dict(house.rows("select outcome, count(*) from deliveries group by 1")),
        [
            seconds
            for (seconds,) in house.rows("select (julianday(sent_at) - julianday(queued_at)) * 86400 from alerts")
        ],
        service.log.read_text(encoding="utf-8"),
    )


def _wait_for_reader(place: Place, due: frozenset[Mark]) -> None:
    """Let a reader get what the server took while she was not there; what does not come is for the account to tell."""
    for _ in range(200):
        if due <= set(place.arrived()):
            return
        threading.Event().wait(0.1)


def _settle_in(house: House, places: Sequence[Place], mail: MailServer, plan: Plan) -> None:
    house.settings["crawl"]["workers"] = 0
    house.settings["web"] = {"enabled": False}
    house.settings["alerts"] = {"first_retry_s": 0.1, "max_attempts": 10_000, "timeout_s": plan.timeout_s}
    house.settings["channels"] = {each.name: {"url_env": f"URL_{each.name.upper()}"} for each in places}
    house.environment |= {f"URL_{each.name.upper()}": each.url for each in places}
    house.environment["SSL_CERT_FILE"] = str(mail.authority)
    with closing(open_database(house.database)):
        pass


@contextmanager
def _queueing(house: House, channels: Sequence[str], plan: Plan) -> Iterator[Callable[[], bool]]:
    """Queue the first alert of every story, and then one update of each after another, as a process beside the service."""
    over = threading.Event()

    def queue() -> None:
        with closing(open_database(house.database)) as database:
            store = AlertStore(database)
            for part in range(plan.parts):
                for story in range(plan.stories):
                    store.queue([_alert(Mark(story, part), each) for each in channels])
                if over.wait(0.5):
                    return
        done.set()

    done = threading.Event()
    thread = threading.Thread(target=queue, name="queueing")
    thread.start()
    try:
        yield done.is_set
    finally:
        over.set()
        thread.join()


def _alert(mark: Mark, channel: str) -> Alert:
    now = datetime.now(UTC)
    told = Evidence(
        title=str(mark),
        outlet="Báo A",
        url=f"https://a.example/{mark.story}/{mark.part}",
        published=now - timedelta(minutes=1),
        fetched_at=now,
        language="en",
        topic="topic",
        score=0.9,
        threshold=0.5,
        sentences=(Marked("Russia met Pakistan.", ((0, 6),)),),
        what_is_new=f"news {mark.part}" if mark.part else "",
    )
    kind = f"update:{mark.part}" if mark.part else "new"
    return Alert(AlertKey(f"story-{mark.story}", "relevant", channel, kind), told, now)


def _sent(house: House) -> int:
    number: int = house.rows("select count(*) from alerts where state = 'sent'")[0][0]
    return number


def _wait_until(is_so: Callable[[], bool], house: House, service: _Service, plan: Plan) -> None:
    """Wait, as long as something is sent now and then."""
    sent, since = _sent(house), time.monotonic()
    while not is_so():
        service.check()
        if (now := _sent(house)) != sent:
            sent, since = now, time.monotonic()
        if time.monotonic() - since > plan.patience_s:
            states = house.rows("select channel, state, count(*), max(last_detail) from alerts group by 1, 2")
            raise AssertionError(
                f"nothing was sent for {plan.patience_s:g} s: {states}\n{service.log.read_text()[-2000:]}"
            )
        threading.Event().wait(0.05)
