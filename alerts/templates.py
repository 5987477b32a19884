"""The templates of messages: ours, and those of a folder in which a person overrides them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, PackageLoader, StrictUndefined, Template, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from alerts.markup import escape_markdown, marker, words_only
from alerts.message import Format
from tripoint.domain.templates import TemplateState
from tripoint.domain.text import one_line

_NAMES = tuple(f"{what}.{form}.j2" for what in ("alert", "digest") for form in Format)
# All that a template can do wrong, an endless inclusion of itself among it.
_MISTAKES = (
    TemplateError,
    ArithmeticError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    RuntimeError,
    MemoryError,
    OSError,
)


class Templates:
    """Renders by a person's template where there is one; where it breaks by ours, and says so once."""

    def __init__(self, folder: Path | None, tell: Callable[[str], None]) -> None:
        self._ours = {each: _environment(each, PackageLoader("alerts", "layout")) for each in Format}
        self._theirs = {each: _environment(each, FileSystemLoader(folder)) for each in Format} if folder else {}
        self._folder = folder
        self._tell = tell
        self._broken: dict[str, TemplateState] = {}  # as they were when they failed

    @property
    def are_overridden(self) -> bool:
        """Return whether there may be templates of a person."""
        return self._folder is not None

    def render(self, what: str, form: Format, values: Mapping[str, Any]) -> str:
        """Return `what` ("alert" or "digest") in a format."""
        name = f"{what}.{form}.j2"
        if self._folder and (self._folder / name).is_file():
            try:
                return _filled(self._theirs[form].get_template(name), values)
            except _MISTAKES as error:
                self._complain(name, error)
        return _filled(self._ours[form].get_template(name), values)

    def states(self) -> tuple[TemplateState, ...]:
        """Return how each does, by what was rendered since its file changed."""
        return tuple(self._state(each, self._mark(each)) for each in _NAMES)

    def _state(self, name: str, mark: str) -> TemplateState:
        failed = self._broken.get(name)
        return failed if failed and failed.mark == mark else TemplateState(name, mark, "")

    def _mark(self, name: str) -> str:
        """Return a hash of a file and of all that it may include: what has no name of ours."""
        file = self._folder / name if self._folder else None
        if file is None or not file.is_file():
            return ""
        try:
            parts = sorted(each for each in file.parent.glob("*.j2") if each.name not in _NAMES)
            read = b"\n".join(each.read_bytes() for each in (file, *parts))
        except OSError as error:
            return type(error).__name__
        return hashlib.sha256(read).hexdigest()[:16]

    def _complain(self, name: str, error: Exception) -> None:
        mark = self._mark(name)
        if self._state(name, mark).problem:
            return
        where = f" (line {line})" if (line := getattr(error, "lineno", None)) else ""
        told = one_line(f"{type(error).__name__}: {error}")[:200]
        self._broken[name] = TemplateState(name, mark, f"{told}{where}")
        self._tell(f"template {self._folder}/{name} is broken{where}, the default is used instead: {told}")


def _filled(template: Template, values: Mapping[str, Any]) -> str:
    return template.render(values).strip() + "\n"


def _environment(form: Format, loader: PackageLoader | FileSystemLoader) -> SandboxedEnvironment:
    environment = SandboxedEnvironment(
        loader=loader,
        autoescape=form is Format.HTML,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["marked"] = marker(form)
    environment.filters["markdown"] = escape_markdown
    environment.filters["plain"] = words_only
    return environment
