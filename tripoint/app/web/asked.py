"""What an address asks for: its parameters read and checked, the same for pages, feeds and API."""

from __future__ import annotations

from collections.abc import Mapping

from tripoint.domain.errors import MendError


def whole(asked: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    """Return a whole number in its range; raises `MendError` for what is none."""
    text = asked.get(name, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= 9 and least <= int(text) <= most):
        raise MendError(f"{name} is no number from {least} to {most}", f"such as {name}={default}")
    return int(text)


def fraction(asked: Mapping[str, str], name: str, default: float | None) -> float | None:
    """Return a number between 0 and 1; raises `MendError` for what is none."""
    text = asked.get(name, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise MendError(f"{name} is no number from 0 to 1", f"such as {name}=0.5")
    return value


def flag(asked: Mapping[str, str], name: str) -> bool:
    """Return whether something is asked for; raises `MendError` for what is neither yes nor no."""
    text = asked.get(name, "").strip().lower()
    if text in {"", "0", "false", "no"}:
        return False
    if text in {"1", "true", "yes", "on"}:
        return True
    raise MendError(f"{name} is neither true nor false", f"such as {name}=true")


def one_of(asked: Mapping[str, str], name: str, known: tuple[str, ...]) -> str:
    """Return one of the known words, or nothing; raises `MendError` for another."""
    text = asked.get(name, "").strip()
    if text and text not in known:
        raise MendError(f"{name} is not known", f"choose from {', '.join(known)}")
    return text
