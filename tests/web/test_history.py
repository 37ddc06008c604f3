"""The list of results."""

from __future__ import annotations

import pytest

from suelo.web.history import result_list
from suelo.web.texts import Texts

ENGLISH = Texts("en")
ID = "0123456789abcdef0123456789abcdef"


def find(parts, tree, kind: str) -> list[dict]:
    return [part["props"] for part in parts(tree) if part["type"] == kind]


def test_a_finished_result_has_its_picture_facts_and_actions(make_job, parts, words) -> None:
    tree = result_list([make_job()], ENGLISH)
    assert find(parts, tree, "Img")[0]["src"] == f"/results/{ID}/thumbnail.png"
    assert find(parts, tree, "A")[0]["href"] == f"/results/{ID}"
    assert find(parts, tree, "Time")[0]["dateTime"] == "2026-03-01T14:05:00+00:00"
    assert find(parts, tree, "Button")[0]["data-delete"] == ID
    assert find(parts, tree, "Button")[0]["aria-label"] == "Delete scene"
    assert "325 × 320 pixels · 1.24 m" in words(tree)


def test_a_running_job_shows_how_far_it_is_and_can_be_cancelled(make_job, parts) -> None:
    tree = result_list([make_job(status="running", progress=0.42)], ENGLISH)
    assert find(parts, tree, "Progress")[0]["value"] == "42"
    assert find(parts, tree, "Button")[0]["data-cancel"] == ID
    assert find(parts, tree, "Img") == []


def test_a_failed_job_says_why(make_job, words) -> None:
    text = words(result_list([make_job(status="failed", message="This image is torn.")], ENGLISH))
    assert "Failed" in text
    assert "This image is torn." in text


def test_the_shared_sample_is_marked_and_cannot_be_deleted(make_job, parts, words) -> None:
    tree = result_list([make_job(shared=True)], ENGLISH)
    assert "For everyone" in words(tree)
    assert find(parts, tree, "Button") == []


@pytest.mark.parametrize(("language", "text"), [("en", "Nothing here yet"), ("es", "Todavía no hay nada")])
def test_an_empty_list_says_what_to_do(language, text, words) -> None:
    assert text in words(result_list([], Texts(language)))
