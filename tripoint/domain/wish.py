"""What a crawl is for: each job of the service has its part, a crawl by hand has all of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wish:
    """What a crawl is to do."""

    new: bool = True  #: listings that are due, and pages that were never read
    again: bool = True  #: pages that were read and are to be looked at again for changes
    gaps: bool = True  #: what blind stretches of listings may have hidden

    @property
    def states(self) -> tuple[str, ...]:
        """Return which pages of the frontier are to be fetched; those that a gap gave are new."""
        return ("pending",) * (self.new or self.gaps) + ("again",) * self.again


ALL = Wish()
NEWS = Wish(again=False, gaps=False)
AGAIN = Wish(new=False, gaps=False)
GAPS = Wish(new=False, again=False)
