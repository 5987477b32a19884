"""The templates of messages: ours, and those of a folder in which a person overrides them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, PackageLoader, StrictUndefined, Template, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from alerts.markup import escape_markdown, marker, words_only
from alerts.message import Format
from tripoint.domain.text import one_line


class Templates:
    """Renders by a person's template where there is one; where it breaks by ours, and says so once."""

    def __init__(self, folder: Path | None, tell: Callable[[str], None]) -> None:
        self._ours = {each: _environment(each, PackageLoader("alerts", "layout")) for each in Format}
        self._theirs = {each: _environment(each, FileSystemLoader(folder)) for each in Format} if folder else {}
        self._folder = folder
        self._tell = tell
        self._told: set[str] = set()

    def render(self, what: str, form: Format, values: Mapping[str, Any]) -> str:
        """Return `what` ("alert" or "digest") in a format."""
        name = f"{what}.{form}.j2"
        if self._folder and (self._folder / name).is_file():
            try:
                return _filled(self._theirs[form].get_template(name), values)
            except (
                TemplateError,
                ArithmeticError,
                LookupError,
                TypeError,
                ValueError,
                AttributeError,
                OSError,
            ) as error:
                self._complain(name, error)
        return _filled(self._ours[form].get_template(name), values)

    def _complain(self, name: str, error: Exception) -> None:
        if name not in self._told:
            self._told.add(name)
            where = f" (line {line})" if (line := getattr(error, "lineno", None)) else ""
            told = one_line(f"{type(error).__name__}: {error}")[:200]
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
