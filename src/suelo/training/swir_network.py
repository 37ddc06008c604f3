"""The network of the SWIR benchmark: a few dense layers that judge a pixel by what is around it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from suelo.landcover import CLASS_COUNT
from suelo.training.swir_bank import FEATURES
from suelo.training.swir_features import Whitening


class SwirNetwork(nn.Module):
    """Logits (N, 10) of the features (N, `FEATURES`) of N pixels.

    Attributes:
        whitening: What `describe` takes.
        mean: Mean of each feature over the training pixels.
        deviation: Standard deviation of each feature over the training pixels.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, whitening: Whitening, pixels: Tensor, widths: Sequence[int], dropout: float) -> None:
        """Make a network with random weights.

        Args:
            whitening: Measured on the training images.
            pixels: Features of training pixels, (N, `FEATURES`).
            widths: Units of each hidden layer.
            dropout: Share of units that are dropped while training.
        """
        super().__init__()
        self.whitening = whitening
        self.register_buffer("mean", pixels.mean(dim=0))
        self.register_buffer("deviation", pixels.std(dim=0) + 1e-3)
        layers: list[nn.Module] = []
        units = FEATURES
        for width in widths:
            layers += [nn.Linear(units, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(dropout)]
            units = width
        head = nn.Linear(units, CLASS_COUNT)
        nn.init.constant_(head.bias, -2.0)  # most pixels belong to few classes
        self.layers = nn.Sequential(*layers, head)

    def standardised(self, pixels: Tensor) -> Tensor:
        """Features (N, `FEATURES`) with mean 0 and variance 1 over the training pixels."""
        return (pixels - self.mean) / self.deviation

    def forward(self, standardised: Tensor) -> Tensor:
        """Logits (N, 10)."""
        logits: Tensor = self.layers(standardised)
        return logits

    def probabilities(self, pixels: Tensor) -> Tensor:
        """Probabilities (N, 10) of raw features."""
        return torch.sigmoid(self(self.standardised(pixels)))
