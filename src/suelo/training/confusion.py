"""Which class is called what, for classes that overlap."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from suelo.landcover import CLASS_COUNT
from suelo.segmentation.selection import NO_DATA

NONE = CLASS_COUNT
"""Row and column after the ten classes: no class at all."""


@dataclass
class Confusion:
    """Pixels by what they are (row) and what they are called (column), summed over scenes.

    A pixel can be of several classes and be called several, so it can count in many cells. A pixel of class i that
    is called class j counts in cell (i, j) only if it is not of class j as well: trees that stand in a field and are
    called trees are no confusion. Row `NONE` is of pixels of no class, column `NONE` of pixels that are called none.

    Attributes:
        called: int64 (11, 11).
        judged: Pixels that could have counted: those of the row's class for which the truth of the column's class is
            known, int64 (11, 11).
    """

    called: NDArray[np.int64] = field(default_factory=lambda: np.zeros((CLASS_COUNT + 1,) * 2, np.int64))
    judged: NDArray[np.int64] = field(default_factory=lambda: np.zeros((CLASS_COUNT + 1,) * 2, np.int64))

    def add(
        self,
        probabilities: NDArray[np.uint8],
        members: NDArray[np.bool_],
        known: NDArray[np.bool_],
        levels: NDArray[np.int_],
    ) -> None:
        """Add one scene.

        Args:
            probabilities: 0..250, 255 = no data, (10, H, W).
            members: Truth, (10, H, W).
            known: Where the truth is known, (10, H, W).
            levels: Level per class from which on a pixel is called that class, (10,).
        """
        there = (probabilities != NO_DATA).all(axis=0)
        said = (probabilities >= levels[:, None, None]) & there
        known = known & there
        members = members & known
        rows = [*members, known.all(axis=0) & ~members.any(axis=0)]
        columns = [*(~members & said), there & ~said.any(axis=0)]
        counts = [*known, there]
        called, judged = self.called.copy(), self.judged.copy()
        for i, row in enumerate(rows):
            for j, (column, counted) in enumerate(zip(columns, counts, strict=True)):
                judged[i, j] += np.count_nonzero(row & counted)
                called[i, j] += np.count_nonzero(row & (said[j] if i == j != NONE else column) & counted)
        self.called, self.judged = called, judged

    def shares(self) -> NDArray[np.float64]:
        """Share of a row's pixels that is called the column's class, (11, 11); NaN where there are none."""
        return np.where(self.judged > 0, self.called / np.maximum(self.judged, 1), np.nan)
