"""Which language a visitor gets."""

from __future__ import annotations

import pytest
from werkzeug.datastructures import LanguageAccept

from suelo.landcover import class_by_name
from suelo.web.language import LANGUAGE_COOKIE, choose_language, class_name


@pytest.mark.parametrize(
    ("address", "cookie", "browser", "expected"),
    [
        (None, None, [], "en"),
        (None, None, [("es-CO", 1.0), ("en", 0.5)], "es"),
        (None, None, [("fr", 1.0)], "en"),
        (None, "en", [("es", 1.0)], "en"),
        ("es", "en", [("en", 1.0)], "es"),
        ("xx", "es", [("en", 1.0)], "es"),
        (None, "<script>", [("en", 1.0)], "en"),
    ],
)
def test_the_address_wins_over_the_cookie_over_the_browser(address, cookie, browser, expected) -> None:
    arguments = {} if address is None else {"lang": address}
    cookies = {} if cookie is None else {LANGUAGE_COOKIE: cookie}
    assert choose_language(arguments, cookies, LanguageAccept(browser)) == expected


def test_classes_have_names_in_both_languages() -> None:
    trees = class_by_name("trees")
    assert (class_name(trees, "en"), class_name(trees, "es")) == ("Trees", "Árboles")
