"""What the page says, in each language: a file a language, with the same keys in each."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

LANGUAGES = ("en", "vi")


@dataclass(frozen=True, slots=True)
class Phrases:
    """The phrases of one language, called by their keys."""

    language: str
    of: dict[str, str]

    def __call__(self, key: str, /, **values: object) -> str:
        """Return a phrase with its values filled in; raises `KeyError` for one that is not there."""
        return self.of[key].format(**values) if values else self.of[key]

    def count(self, key: str, number: int) -> str:
        """Return a phrase about a number, in the form that the number asks for."""
        form = "one" if number == 1 and f"{key}.one" in self.of else "other"
        return self.of[f"{key}.{form}"].format(
            n=f"{number:,}" if self.language == "en" else f"{number:,}".replace(",", ".")
        )

    def name(self, kind: str, value: str) -> str:
        """Return what a value of the program is called, itself where it has no name."""
        return self.of.get(f"{kind}.{value}", value)


@cache
def phrases(language: str) -> Phrases:
    """Return the phrases of a language."""
    text = (resources.files(__name__) / f"{language}.toml").read_text(encoding="utf-8")
    return Phrases(language, _flat(tomllib.loads(text)))


def preferred(accept_language: str) -> str:
    """Return the language of ours that a browser likes best; English where it names none."""
    wishes: list[tuple[float, str]] = []
    for part in accept_language.split(",")[:20]:
        tag, _, quality = part.strip().partition(";q=")
        language = tag.strip().lower().split("-")[0]
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            weight = 0.0
        if language in LANGUAGES and weight > 0:
            wishes.append((-weight, language))
    return min(wishes, key=lambda each: each[0])[1] if wishes else "en"


def _flat(values: dict[str, object], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{key}.")
        else:
            found[prefix + key] = str(value)
    return found
