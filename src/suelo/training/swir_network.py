"""The network of the SWIR benchmark: a small U-Net with dropout, for a few hundred thousand labelled pixels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from suelo.landcover import CLASS_COUNT
from suelo.training.network import Decoder, Encoder
from suelo.training.swir_features import Whitening

SWIR_WIDTHS = (16, 32, 64, 96)
"""Channels at 7.5, 15, 30 and 60 m: the coarsest level sees some 60 pixels around, half an image."""


class SwirNetwork(nn.Module):
    """Logits (N, 10, H, W) of SWIR images.

    Whole feature maps are dropped while training, so that no class hangs on one texture of one scene.
    """

    mean: Tensor
    absolute: Tensor
    relative: Tensor

    def __init__(self, whitening: Whitening, widths: Sequence[int] = SWIR_WIDTHS, dropout: float = 0.1) -> None:
        """Make a network with random weights.

        Args:
            whitening: Measured on the training images.
            widths: Channels per level, finest first.
            dropout: Share of feature maps that are dropped.
        """
        super().__init__()
        for name in ("mean", "absolute", "relative"):
            self.register_buffer(name, torch.from_numpy(getattr(whitening, name)))
        self.stride = 1 << (len(widths) - 1)
        self.encoder = Encoder(2 * len(whitening.mean), widths)
        self.decoder = Decoder(widths)
        self.dropout = nn.Dropout2d(dropout)
        self.head = nn.Conv2d(widths[0], CLASS_COUNT, 1)
        assert self.head.bias is not None
        nn.init.constant_(self.head.bias, -3.0)  # most pixels belong to few classes

    def features(self, logs: Tensor, scene_means: Tensor) -> Tensor:
        """What the convolutions see, (N, 16, H, W); in float32, since bfloat16 cannot tell such spectra apart.

        Args:
            logs: Logarithms, (N, 8, H, W).
            scene_means: Mean of `logs` over the scene that each image is of, (N, 8).
        """
        every = torch.einsum("cb,nbhw->nchw", self.absolute, logs - self.mean[:, None, None])
        own = torch.einsum("cb,nbhw->nchw", self.relative, logs - scene_means[:, :, None, None])
        return torch.cat((every, own), dim=1).contiguous(memory_format=torch.channels_last)

    def forward(self, features: Tensor) -> Tensor:
        """Logits (N, 10, H, W) of features (N, 16, H, W); H and W are multiples of `stride`."""
        levels = self.encoder(features)
        levels = [levels[0], *(self.dropout(level) for level in levels[1:])]
        logits: Tensor = self.head(self.dropout(self.decoder(levels)))
        return logits
