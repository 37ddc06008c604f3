"""The reference of the API as one HTML page without scripts, written from the OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any
from urllib.parse import quote

Document = Mapping[str, Any]

_STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent);
  --soft: color-mix(in srgb, currentColor 7%, transparent); --accent: light-dark(#1c6b45, #7fd1a5); }
body { font: 16px/1.55 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem 1rem 6rem; }
h1 { margin-bottom: 0; } h2 { margin-top: 3rem; } a { color: var(--accent); }
article { border-top: 1px solid var(--line); padding: 1rem 0; }
article h3 { font-size: 1.05rem; margin: 0; overflow-wrap: anywhere; }
code, pre { font: 0.88em/1.5 ui-monospace, monospace; } .method { color: var(--accent); font-weight: 700; }
pre { background: var(--soft); border-radius: 6px; padding: 0.7rem 1rem; }
pre { overflow-wrap: anywhere; white-space: pre-wrap; }
table { border-collapse: collapse; width: 100%; } td { border-top: 1px solid var(--line);
  padding: 0.3rem 1rem 0.3rem 0; text-align: left; vertical-align: top; }
nav ul { columns: 22rem; list-style: none; padding: 0; }
td:first-child { white-space: nowrap; } .quiet { opacity: 0.75; }
@media (max-width: 40rem) { td:first-child { white-space: normal; } }
"""


def write_page(document: Document, server: str) -> str:
    """Write the page.

    Args:
        document: The OpenAPI document.
        server: Address of the server, for the examples.
    """
    info = document["info"]
    by_tag = {
        tag["name"]: [
            (method, path, described)
            for path, item in document["paths"].items()
            for method, described in item.items()
            if tag["name"] in described["tags"]
        ]
        for tag in document["tags"]
    }
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width, initial-scale=1'>",
        f"<title>{escape(info['title'])} API</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(info['title'])} API</h1><p class='quiet'>Version {escape(info['version'])} · ",
        "<a href='/openapi.json'>OpenAPI document</a></p>",
        f"<p>{_text(info['description'])}</p>",
        *_sign_in(document),
        _contents(by_tag),
    ]
    for tag in document["tags"]:
        parts.append(f"<section><h2>{escape(tag['name'])}</h2><p>{_text(tag['description'])}</p>")
        parts += [_route(document, server, *route) for route in by_tag[tag["name"]]]
        parts.append("</section>")
    parts.append("<section><h2>Documents</h2>")
    parts += [_schema(name, schema) for name, schema in sorted(document["components"]["schemas"].items())]
    parts.append("</section></body></html>")
    return "".join(parts)


def _sign_in(document: Document) -> Iterable[str]:
    for scheme in document["components"].get("securitySchemes", {}).values():
        yield (
            "<p>Requests carry a token in the header <code>Authorization: Bearer …</code>. "
            f"{_text(scheme['description'])}</p>"
        )


def _contents(by_tag: Mapping[str, list[tuple[str, str, Document]]]) -> str:
    links = [
        f"<li><a href='#{described['operationId']}'><code>{method.upper()} {escape(path)}</code></a></li>"
        for routes in by_tag.values()
        for method, path, described in routes
    ]
    return f"<nav><ul>{''.join(links)}</ul></nav>"


def _route(document: Document, server: str, method: str, path: str, described: Document) -> str:
    parts = [
        f"<article id='{described['operationId']}'><h3><span class='method'>{method.upper()}</span> ",
        f"<code>{escape(path)}</code></h3><p>{_text(described['summary'])} ",
        f"{_text(described.get('description', ''))}</p>",
    ]
    if parameters := described.get("parameters"):
        rows = [
            (f"<code>{escape(p['name'])}</code>", f"{p['in']}{', needed' if p.get('required') else ''}", _parameter(p))
            for p in parameters
        ]
        parts.append(_table(rows))
    if body := described.get("requestBody"):
        parts.append(f"<p>Body: {_content(body['content'])}</p>")
    answers = [
        (f"<code>{status}</code>", escape(answer["description"]), _content(answer.get("content", {})))
        for status, answer in described["responses"].items()
    ]
    parts.append(f"<details><summary>Answers</summary>{_table(answers)}</details>")
    parts.append(f"<pre>{escape(_curl(document, server, method, path, described))}</pre></article>")
    return "".join(parts)


def _parameter(parameter: Document) -> str:
    schema = parameter["schema"].get("items", parameter["schema"])
    limits = []
    if "enum" in schema:
        limits.append(" ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"]))
    if "minimum" in schema and "maximum" in schema:
        limits.append(f"{schema['minimum']} to {schema['maximum']}")
    return "<br>".join([_text(parameter["description"]), *limits])


def _table(rows: Iterable[Iterable[str]]) -> str:
    return "<table>" + "".join(f"<tr><td>{'</td><td>'.join(row)}</td></tr>" for row in rows) + "</table>"


def _content(content: Document) -> str:
    return "<br>".join(
        f"<code>{escape(media_type)}</code> {_type(details.get('schema', {}))}"
        for media_type, details in content.items()
    )


def _schema(name: str, schema: Document) -> str:
    needed = set(schema.get("required", ()))
    rows = [
        (
            f"<code>{escape(member)}</code>",
            _type(details) + ("" if member in needed else ", may be missing"),
            _text(details.get("description", "")),
        )
        for member, details in schema.get("properties", {}).items()
    ]
    examples = schema.get("examples", [])
    shown = "".join(f"<pre>{escape(json.dumps(example, indent=2, ensure_ascii=False))}</pre>" for example in examples)
    about = f"<h3>{name}</h3><p>{_text(schema.get('description', ''))}</p>"
    return f"<article id='{name}'>{about}{_table(rows)}{shown}</article>"


def _type(schema: Document) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"<a href='#{name}'>{name}</a>"
    if "anyOf" in schema:
        return " or ".join(_type(option) for option in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return " ".join(f"<code>{escape(str(value))}</code>" for value in schema.get("enum", [schema.get("const")]))
    kind = str(schema.get("type", ""))
    if kind == "array" and "items" in schema:
        return f"list of {_type(schema['items'])}"
    return kind


def _text(text: str) -> str:
    """Text with `code` in backquotes, as HTML."""
    pieces = escape(text).split("`")
    return "".join(f"<code>{piece}</code>" if n % 2 else piece for n, piece in enumerate(pieces))


def _curl(document: Document, server: str, method: str, path: str, described: Document) -> str:
    query = []
    for parameter in described.get("parameters", ()):
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", str(parameter["example"]))
        elif parameter["in"] == "query" and (parameter.get("required") or parameter["name"] in _SHOWN):
            example = parameter["example"]
            values = example if isinstance(example, list) and parameter.get("explode", True) else [example]
            query += [f"{parameter['name']}={_query_value(value)}" for value in values]
    address = server + path + ("?" + "&".join(query) if query else "")
    words = ["curl", *([] if method == "get" else [f"-X {method.upper()}"])]
    if document.get("security") and described.get("security") != []:
        words.append('-H "Authorization: Bearer $TOKEN"')
    for media_type, details in described.get("requestBody", {}).get("content", {}).items():
        if "schema" in details:
            schema = document["components"]["schemas"][details["schema"]["$ref"].rpartition("/")[2]]
            words.append(f"-H 'Content-Type: {media_type}' --data '{json.dumps(schema['examples'][0])}'")
        else:
            words.append("--data-binary @image.tif")
        break
    answers: Document = next(iter(described["responses"].values())).get("content", {})
    if path.rpartition("/")[2].count(".") and "application/json" not in answers:
        words.append("-OJ")
    return " ".join([*words, f"'{address}'"])


_SHOWN = {"threshold"}


def _query_value(value: Any) -> str:  # noqa: ANN401  (an example)
    return quote(",".join(map(str, value)) if isinstance(value, list) else str(value), safe="=,")
