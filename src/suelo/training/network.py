"""The network: a U-Net with skip connections, eight bands in, ten logits out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from suelo.training.options import FOLD, WIDTHS


class ConvBlock(nn.Sequential):
    """Convolution 3 × 3, batch normalisation, ReLU; `stride` 2 halves height and width."""

    def __init__(self, channels_in: int, channels_out: int, stride: int = 1) -> None:
        """Make the three layers."""
        super().__init__(
            nn.Conv2d(channels_in, channels_out, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(inplace=True),
        )


class Encoder(nn.Module):
    """A stem at full resolution, then one stage per halving.

    Takes (N, channels, H, W) and gives one array per level, finest first: (N, widths[k], H / 2^k, W / 2^k).
    """

    def __init__(self, channels: int, widths: Sequence[int]) -> None:
        """Make the stem and the stages."""
        super().__init__()
        self.stem = ConvBlock(channels, widths[0])
        self.stages = nn.ModuleList(
            nn.Sequential(ConvBlock(fine, coarse, stride=2), ConvBlock(coarse, coarse))
            for fine, coarse in pairwise(widths)
        )

    def forward(self, images: Tensor) -> list[Tensor]:
        """Features of every level, finest first."""
        levels = [self.stem(images)]
        for stage in self.stages:
            levels.append(stage(levels[-1]))
        return levels


class UpStage(nn.Module):
    """Doubles the resolution by a transposed convolution and joins the encoder's features of that level."""

    def __init__(self, coarse: int, fine: int) -> None:
        """Make the layers from `coarse` channels to `fine` ones."""
        super().__init__()
        self.up = nn.ConvTranspose2d(coarse, fine, 2, stride=2)
        self.fuse = nn.Sequential(ConvBlock(2 * fine, fine), ConvBlock(fine, fine))

    def forward(self, coarse: Tensor, skip: Tensor) -> Tensor:
        """Features at the resolution of `skip`."""
        fused: Tensor = self.fuse(torch.cat((self.up(coarse), skip), dim=1))
        return fused


class Decoder(nn.Module):
    """From the encoder's levels back to full resolution: (N, widths[0], H, W)."""

    def __init__(self, widths: Sequence[int]) -> None:
        """Make one stage per doubling."""
        super().__init__()
        self.stages = nn.ModuleList(UpStage(coarse, fine) for fine, coarse in reversed(list(pairwise(widths))))

    def forward(self, levels: list[Tensor]) -> Tensor:
        """Features at full resolution."""
        features = levels[-1]
        for stage, skip in zip(self.stages, reversed(levels[:-1]), strict=True):
            features = stage(features, skip)
        return features


class UNet(nn.Module):
    """U-Net: an encoder, a decoder joined to it by skip connections at every level, and a 1 × 1 head.

    Takes normalised pixels (N, 8, H, W) and gives logits (N, 10, H, W); H and W are multiples of
    2^(len(widths) - 1). The classes overlap, so each logit goes through its own sigmoid.

    After Ronneberger, Fischer and Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation",
    MICCAI 2015. Differences: padded convolutions, so that the output has the size of the input; batch
    normalisation; strided convolutions in place of max-pooling; one convolution instead of two at full
    resolution on the way down, which is where most of the time goes.
    """

    def __init__(self, bands: int = 8, classes: int = 10, widths: Sequence[int] = WIDTHS, fold: int = FOLD) -> None:
        """Make a network with random weights.

        Args:
            bands: Channels in.
            classes: Channels out.
            widths: Channels per level, finest first.
            fold: The finest level sees blocks of `fold` × `fold` pixels as the channels of one; 1 for single pixels.
        """
        super().__init__()
        self.bands = bands
        self.widths = tuple(widths)
        self.fold = fold
        self.encoder = Encoder(bands * fold**2, widths)
        self.decoder = Decoder(widths)
        self.head = nn.Conv2d(widths[0], classes * fold**2, 1)
        # Most pixels belong to few classes: starting near 5 % saves the first steps from unlearning 50 %.
        assert self.head.bias is not None
        nn.init.constant_(self.head.bias, -3.0)

    @property
    def stride(self) -> int:
        """Height and width of the input are multiples of this."""
        return self.fold << (len(self.widths) - 1)

    @property
    def reach(self) -> int:
        """Largest distance in pixels, along a row or column, at which an input pixel can change an output pixel.

        A 3 × 3 convolution at stride s reaches s pixels further. Strided convolutions and their transposes group
        pixels into blocks of `stride`, which adds at most `stride` - 1. Folding multiplies all of it.
        """
        levels = range(1, len(self.widths))
        encoder = 1 + sum((1 << (k - 1)) + (1 << k) for k in levels)
        decoder = sum(2 * (1 << (k - 1)) for k in levels)
        return self.fold * (encoder + decoder) + self.stride - 1

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, 10, H, W) of images (N, 8, H, W)."""
        folded = functional.pixel_unshuffle(images, self.fold)
        logits = self.head(self.decoder(self.encoder(folded)))
        return functional.pixel_shuffle(logits, self.fold)
