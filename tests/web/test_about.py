"""Facts of a result, and the note on trust."""

from __future__ import annotations

from suelo.landcover import CLASSES
from suelo.model.contract import ModelContract
from suelo.segmentation.selection import Selection
from suelo.web.about import about, trust
from suelo.web.texts import Texts

ENGLISH = Texts("en")
SHOWN = Selection((0.5,) * 10)


def test_facts_of_the_image_and_the_model(make_job, contract, words) -> None:
    text = words(about(make_job(), contract, SHOWN, ENGLISH))
    for fact in ("scene", "325 × 320 pixels", "1.24 m", "EPSG:9377", "2026-03-01 14:05 UTC", "unet 1.0"):
        assert fact in text
    assert "left out: Buildings 10 m², Misc. manmade structures 4 m²," in text


def test_the_sample_has_a_name_in_every_language(make_job, contract, words) -> None:
    sample = make_job(shared=True, name="Sample")
    assert "Ejemplo" in words(about(sample, contract, SHOWN, Texts("es")))
    assert "Ejemplo" not in words(about(make_job(), contract, SHOWN, Texts("es")))


def test_an_image_without_crs_says_so(make_job, contract, words) -> None:
    assert "rows and columns" in words(about(make_job(crs="", georeferenced=False), contract, SHOWN, ENGLISH))


def test_trust_comes_from_the_models_own_contract(contract, words) -> None:
    text = words(trust(contract, ENGLISH))
    assert "simulated scenes" in text
    assert "61.7 %" in text
    assert all(c.name in text for c in CLASSES)
    assert "40.0 %" in text  # standing water
    assert "not measured" in text  # waterways


def test_the_spanish_note_on_trust_has_the_english_of_the_model_file_apart(contract, words, parts) -> None:
    note = trust(contract, Texts("es"))
    assert "Donde se midió, el mapa y la verdad comparten 61,7 %" in words(note)
    (quoted,) = [part["props"] for part in parts(note) if part["props"].get("lang") == "en"]
    assert quoted["children"] == "simulated scenes"


def test_an_unmeasured_model_and_another_model_are_called_so(words) -> None:
    assert "Nobody has measured" in words(trust(ModelContract(name="a", version="1"), ENGLISH))
    assert "Another model" in words(trust(None, ENGLISH))
    assert "otro modelo" in words(trust(None, Texts("es")))
