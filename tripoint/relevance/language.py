"""Which language a text is in, when nobody said: diacritics first, then a model of the two that are scored."""

from __future__ import annotations

from lingua import Language, LanguageDetectorBuilder

from tripoint.domain.text import has_vietnamese_marks

_LEAST_CERTAIN = 0.6


class LanguageGuesser:
    """Holds the model, which is loaded at the first text that needs it."""

    def __init__(self) -> None:
        languages = (Language.ENGLISH, Language.VIETNAMESE, Language.RUSSIAN, Language.URDU, Language.FRENCH)
        self._detector = LanguageDetectorBuilder.from_languages(*languages).build()

    def guess(self, text: str) -> str:
        """Return an ISO 639-1 code, or an empty text when unsure."""
        if has_vietnamese_marks(text):
            return "vi"
        values = self._detector.compute_language_confidence_values(text[:1000])
        if not values or values[0].value < _LEAST_CERTAIN:
            return ""
        return str(values[0].language.iso_code_639_1.name).lower()
