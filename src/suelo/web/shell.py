"""The frame of every page: document, theme, header, and the page for addresses where nothing is."""

from __future__ import annotations

import json
from html import escape
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from suelo.web import ids
from suelo.web.attributes import dashed
from suelo.web.texts import Texts

_GREEN = [
    "#eef6f2", "#dbeae2", "#b5d4c4", "#8cbda4", "#69a988", "#539d77", "#3c8a64", "#2c7352", "#1f5c41", "#124a32",
]  # fmt: skip
THEME: dict[str, Any] = {
    "primaryColor": "suelo",
    "primaryShade": 7,
    "colors": {"suelo": _GREEN},
    "fontFamily": 'Inter, "Segoe UI", "Helvetica Neue", "Liberation Sans", Arial, sans-serif',
    "defaultRadius": "sm",
    "focusRing": "auto",
}


def document(parts: dict[str, str], title: str, texts: Texts, signed: bool = False) -> str:
    """The HTML document around the page.

    Args:
        parts: Tags that Dash has made: metas, css, app_entry, config, scripts and renderer.
        title: Title in plain text.
        texts: Texts of the reader's language.
        signed: True if readers sign in with tokens.
    """
    said = json.dumps(
        {
            "connection": texts.section("connection"),
            "problem": texts.section("problem"),
            "reason": texts("job.reason"),
            "signed": signed,
        }
    )
    return f"""<!DOCTYPE html>
<html lang="{texts.language}" data-mantine-color-scheme="light">
  <head>
    {parts["metas"]}
    <title>{escape(title)}</title>
    <link rel="icon" href="/assets/favicon.svg" type="image/svg+xml">
    {parts["css"]}
  </head>
  <body data-texts="{escape(said)}">
    {parts["app_entry"]}
    <noscript>{escape(texts("noscript"))}</noscript>
    <footer>
      {parts["config"]}
      {parts["scripts"]}
      {parts["renderer"]}
    </footer>
  </body>
</html>"""


def frame() -> Component:
    """What is on every page before its content and its language are known."""
    provider: Component = dmc.MantineProvider(
        [
            dcc.Location(id=ids.LOCATION, refresh=False),
            html.Div(id=ids.CONTENT, className="page"),
            html.Div(
                [html.Div(id=ids.NOTICE, role="alert"), html.Button("×", id="dismiss", type="button", title="OK")],
                className="notice",
            ),
        ],
        theme=THEME,
        forceColorScheme="light",
    )
    return provider


def header(texts: Texts, name: str | None = None, signed: bool = False) -> Component:
    """The bar at the top.

    Args:
        texts: Texts of the reader's language.
        name: Name of the result that the page is about, or None for the first page.
        signed: True if the reader has signed in, and may sign out.
    """
    other = "en" if texts.language == "es" else "es"
    path: list[Component] = []
    if name is not None:
        path = [
            html.A(texts("all_results"), href="/"),
            html.Span("/", className="separator", **dashed(aria_hidden="true")),
            html.H1(name, className="result-name"),
        ]
    return html.Header(
        [
            html.A(texts("skip"), href="#main", className="skip"),
            html.A(
                [html.Img(src="/assets/favicon.svg", alt="", width=26, height=26), "Suelo"], href="/", className="brand"
            ),
            html.Nav(path, className="path") if path else html.Span(texts("tagline"), className="tagline"),
            html.A(
                texts("other_language"),
                href=f"?lang={other}",
                className="language",
                lang=other,
                **dashed(data_language=other),
            ),
            *([_sign_out(texts)] if signed else []),
        ],
        className="header",
    )


def _sign_out(texts: Texts) -> Component:
    # A form, since signing out changes something.
    button = html.Button(texts("sign_in.out"), type="submit", className="sign-out")
    return html.Form(button, action="/sign-out", method="post")


def missing(texts: Texts, signed: bool = False) -> list[Component]:
    """The page for an address where nothing is."""
    return [
        header(texts, signed=signed),
        message(texts("missing.title"), [texts("missing.text")], texts("missing.home")),
    ]


def message(title: str, paragraphs: list[str], link: str, extra: Component | None = None) -> Component:
    """A page that says one thing and leads back to the first page."""
    return html.Main(
        html.Div(
            [
                html.H2(title),
                *([] if extra is None else [extra]),
                *(html.P(text) for text in paragraphs),
                html.A(link, href="/", className="button"),
            ],
            className="message",
        ),
        id="main",
        className="narrow",
    )
