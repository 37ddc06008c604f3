"""Errors as the page says them: their kind in the reader's language, and their own English sentence."""

from __future__ import annotations

from suelo.api.errors import TITLES
from suelo.errors import SueloError
from suelo.web.texts import Texts


def explained(error: SueloError, texts: Texts) -> str:
    """What an error says; before it, where the reader has another language than English, of what kind it is."""
    if texts.language == "en":
        return error.outside
    kind = next(kind for cls, (kind, _title) in TITLES.items() if isinstance(error, cls))
    return f"{texts(f'problem.{kind}')} {texts('job.reason', reason=error.outside)}"
