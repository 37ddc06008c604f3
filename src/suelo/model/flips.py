"""Test-time flips: a network asked eight times about the same ground, each time turned or mirrored another way."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from suelo.model.session import Model


class FlippedModel(Model):
    """A model whose answer is the mean over the eight orientations of the square. Takes eight times as long.

    It answers otherwise than the model alone, so it goes by another name and another hash: what one began, the other
    does not go on with.
    """

    def __init__(self, model: Model) -> None:
        """Wrap a model.

        Args:
            model: The model that answers.
        """
        contract = model.contract.another_form("the model without flips", name=f"{model.contract.name}-flips")
        super().__init__(contract, hashlib.sha256(f"flips of {model.sha256}".encode()).hexdigest(), None)
        self._model = model

    @contextmanager
    def run(self, images: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
        """See `Model.run`."""
        yield self._mean(images)

    def _mean(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
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
