"""Sentences on what the page has no controls for: smallest objects, and outlines that are smoothed."""

from __future__ import annotations

from suelo.landcover import CLASSES
from suelo.segmentation.selection import Selection
from suelo.web import formats
from suelo.web.language import class_name
from suelo.web.texts import Texts


def smallest_objects(selection: Selection, texts: Texts) -> str:
    """Which objects are left out because they are small."""
    areas = selection.min_area_m2
    if not any(areas):
        return texts("classes.every_size")
    written = [formats.shortest(area, texts.language) for area in areas]
    if len(set(areas)) == 1:
        return texts("classes.smaller_all", area=written[0])
    names = [class_name(c, texts.language) for c in CLASSES]
    return texts("classes.smaller", areas=", ".join(f"{n} {a} m²" for n, a in zip(names, written, strict=True)))


def unusual(selection: Selection, default: Selection, texts: Texts) -> list[str]:
    """What differs from the usual in a selection, of what the page has no controls for; nothing if nothing does."""
    sentences = []
    if selection.min_area_m2 != default.min_area_m2:
        sentences.append(smallest_objects(selection, texts))
    if selection.simplify_m != default.simplify_m:
        sentences.append(texts("classes.smoothed", metres=formats.shortest(selection.simplify_m, texts.language)))
    return sentences
