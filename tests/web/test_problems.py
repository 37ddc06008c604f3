"""Errors in the reader's language."""

from __future__ import annotations

from suelo.api.errors import TITLES
from suelo.errors import ImageError, UnavailableError
from suelo.web.problems import explained
from suelo.web.texts import Texts


def test_spanish_readers_learn_what_kind_of_error_it_is_before_the_english_sentence() -> None:
    error = ImageError("This image has 3 bands.")
    assert explained(error, Texts("en")) == "This image has 3 bands."
    assert explained(error, Texts("es")) == (
        "La imagen no se puede segmentar. El servidor dice, en inglés: «This image has 3 bands.»"
    )
    assert explained(UnavailableError("x"), Texts("es")).startswith("El servicio no está listo.")


def test_every_kind_of_problem_has_its_texts() -> None:
    assert Texts("en").section("problem") == {kind: f"{title}." for kind, title in TITLES.values()}
