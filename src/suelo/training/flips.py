"""Test-time flips: a network asked eight times about the same ground, each time turned or mirrored another way."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from suelo.model.session import Model


class FlippedModel(Model):
    """A model whose answer is the mean over the eight orientations of the square. Takes eight times as long."""

    def __init__(self, model: Model) -> None:
        """Wrap a model.

        Args:
            model: The model that answers.
        """
        self.contract = model.contract
        self.sha256 = model.sha256
        self._model = model

    def predict(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Model.predict`."""
        total: NDArray[np.float32] | None = None
        for turned in (False, True):
            for rows in (1, -1):
                for columns in (1, -1):
                    view = images[:, :, ::rows, ::columns]
                    answer = self._model.predict(view.swapaxes(2, 3) if turned else view)
                    answer = (answer.swapaxes(2, 3) if turned else answer)[:, :, ::rows, ::columns]
                    total = answer.copy() if total is None else total + answer
        assert total is not None
        return total / np.float32(8)
