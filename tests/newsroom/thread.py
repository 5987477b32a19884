"""The newsroom for tests that are not asynchronous themselves."""

from collections.abc import Sequence

from tests.newsroom.behaviours import Behaviour
from tests.newsroom.exchange import Request
from tests.newsroom.looped import Looped, LoopThread
from tests.newsroom.page import NewsPage, Outlet
from tests.newsroom.server import Newsroom


class NewsroomThread(Looped):
    """Runs a Newsroom in a thread of its own; every method may be called from any thread."""

    def __init__(
        self, outlets: Sequence[Outlet], hosts: bool = True, port_base: int | None = None, domain: str = ""
    ) -> None:
        self._outlets = list(outlets)
        self._looped = LoopThread("newsroom", lambda: Newsroom(self._outlets, hosts, port_base, domain))

    @property
    def outlets(self) -> list[Outlet]:
        """The outlets as they were given."""
        return list(self._outlets)

    @property
    def requests(self) -> list[Request]:
        """A copy of the log in the order of the answers."""
        return self._room.requests

    def base(self, outlet: str) -> str:
        """Return where an outlet answers, without a slash at the end."""
        return self._room.base(outlet)

    def count(self, outlet: str, path: str | None = None) -> int:
        """Count an outlet's logged requests, or only those for one path."""
        return self._room.count(outlet, path)

    def forget(self) -> None:
        """Empty the log, so that a test counts only what follows."""
        self._looped.call(self._room.forget)

    def publish(self, outlet: str, page: NewsPage) -> None:
        """Add a page, or replace the one on its path, before returning."""
        self._looped.call(lambda: self._room.publish(outlet, page))

    def behave(self, outlet: str, path: str, behaviour: Behaviour | None) -> None:
        """Change how a path answers before returning; see Newsroom.behave."""
        self._looped.call(lambda: self._room.behave(outlet, path, behaviour))

    @property
    def _room(self) -> Newsroom:
        return self._looped.server
