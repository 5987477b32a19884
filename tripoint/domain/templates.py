"""How a person's own template of a message does. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TemplateState:
    """One template that may be overridden, as its file is now."""

    name: str  #: of the file, such as `alert.html.j2`
    mark: str  #: another for another content, or of what it may include; "" where there is no such file
    problem: str  #: one line; "" where it works

    @property
    def kind(self) -> str:
        """The kind of the alert that it broke; it names the content, so that a repair is known."""
        return f"broken:{self.mark[:8]}"
