"""Splits scenes into folds so that no ground is both learned from and judged on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from suelo.errors import InputError
from suelo.training.dstl import place_of, region_of

By = Literal["scene", "region"]

_GROUPS: dict[By, Callable[[str], str]] = {"scene": place_of, "region": region_of}


def folds(image_ids: Sequence[str], count: int, by: By = "scene") -> list[tuple[str, ...]]:
    """Split images into folds of nearly equal size; images of the same ground are never in two folds.

    Groups are dealt out in sorted order to the fold with the fewest images so far, so that the parts of one region
    spread over the folds ("scene") or stay in one ("region").

    Args:
        image_ids: Ids of DSTL images.
        count: Folds.
        by: "scene" keeps images of the same ground together; "region" also those of the same square.

    Returns:
        Ids per fold, sorted.

    Raises:
        InputError: There are fewer groups than folds.
    """
    groups: dict[str, list[str]] = {}
    for image_id in sorted(image_ids):
        groups.setdefault(_GROUPS[by](image_id), []).append(image_id)
    if not 2 <= count <= len(groups):
        raise InputError(f"{len(groups)} separate {by}s cannot be split into {count} folds; 2 to {len(groups)} can.")
    dealt: list[list[str]] = [[] for _ in range(count)]
    for members in sorted(groups.values()):
        min(dealt, key=len).extend(members)
    return [tuple(sorted(fold)) for fold in dealt]
