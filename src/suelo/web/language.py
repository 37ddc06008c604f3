"""Which language a request wants: what its address says, else what was chosen before, else what its browser prefers."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Request
from werkzeug.datastructures import LanguageAccept

from suelo.jobs.job import Job
from suelo.landcover import LandCover
from suelo.web.texts import LANGUAGES, Language, Texts

LANGUAGE_COOKIE = "suelo_language"
"""Cookie that remembers the choice; it holds `en` or `es`."""


def choose_language(arguments: Mapping[str, str], cookies: Mapping[str, str], accepted: LanguageAccept) -> Language:
    """Choose a language; English where nothing says otherwise.

    Args:
        arguments: Query of the address; `lang=es` wins over everything.
        cookies: Cookies of the request.
        accepted: The header Accept-Language.
    """
    for language in LANGUAGES:
        if arguments.get("lang") == language:
            return language
    for language in LANGUAGES:
        if cookies.get(LANGUAGE_COOKIE) == language:
            return language
    for wanted in accepted.values():
        for language in LANGUAGES:
            # es-CO is Spanish too.
            if wanted.lower().partition("-")[0] == language:
                return language
    return "en"


def language_of(request: Request) -> Language:
    """The language that a request wants."""
    return choose_language(request.args, request.cookies, request.accept_languages)


def job_name(job: Job, texts: Texts) -> str:
    """Name of a job: that of its image, or of the sample in the reader's language."""
    return texts("row.sample_name") if job.shared else job.name


def class_name(land_cover: LandCover, language: Language) -> str:
    """Name of a class in a language."""
    return land_cover.name_es if language == "es" else land_cover.name
