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


class SpectralIndices(nn.Module):
    """Appends NDVI, NDWI, EVI and CCCI to eight stretched bands: (N, 8, H, W) becomes (N, 12, H, W).

    NDVI = (N - R) / (N + R), Rouse et al. 1974; NDWI = (G - N) / (G + N), McFeeters 1996; EVI = 2.5 (N - R) /
    (N + 6 R - 7.5 B + 1), Huete et al. 2002; CCCI = ((N - E) / (N + E)) / NDVI, Barnes et al. 2000, with N, R, G, B and
    E for near infrared 1, red, green, blue and red edge. The formulas want reflectances; the input is stretched to
    the percentiles of a scene, so it is lifted above 0 and the result is bounded.
    """

    LIFT = 0.6
    BOUND = 2.0

    def forward(self, images: Tensor) -> Tensor:
        """The bands and the four indices."""
        blue, green, red, edge, near = (images[:, band : band + 1] + self.LIFT for band in (1, 2, 4, 5, 6))
        ndvi = (near - red) / (near + red)
        ndwi = (green - near) / (green + near)
        evi = 2.5 * (near - red) / (near + 6.0 * red - 7.5 * blue + 1.0).clamp_min(0.25)
        ndre = (near - edge) / (near + edge)
        ccci = ndre / torch.where(ndvi.abs() < 0.05, torch.full_like(ndvi, 0.05), ndvi)
        indices = torch.cat((ndvi, ndwi, evi, ccci), dim=1).clamp(-self.BOUND, self.BOUND)
        return torch.cat((images, indices), dim=1)


class UNet(nn.Module):
    """U-Net: an encoder, a decoder joined to it by skip connections at every level, and a 1 × 1 head.

    Takes normalised pixels (N, 8, H, W) and gives logits (N, 10, H, W); H and W are multiples of
    2^(len(widths) - 1). The classes overlap, so each logit goes through its own sigmoid.

    After Ronneberger, Fischer and Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation",
    MICCAI 2015. Differences: padded convolutions, so that the output has the size of the input; batch
    normalisation; strided convolutions in place of max-pooling; one convolution instead of two at full
    resolution on the way down, which is where most of the time goes.
    """

    def __init__(
        self,
        bands: int = 8,
        classes: int = 10,
        widths: Sequence[int] = WIDTHS,
        fold: int = FOLD,
        *,
        indices: bool = False,
    ) -> None:
        """Make a network with random weights.

        Args:
            bands: Channels in.
            classes: Channels out.
            widths: Channels per level, finest first.
            fold: The finest level sees blocks of `fold` × `fold` pixels as the channels of one; 1 for single pixels.
            indices: Whether spectral indices are computed from the bands and seen beside them.
        """
        super().__init__()
        self.bands = bands
        self.widths = tuple(widths)
        self.fold = fold
        self.indices = SpectralIndices() if indices else None
        self.encoder = Encoder((bands + 4 * indices) * fold**2, widths)
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
    def halo(self) -> int:
        """Pixels along a cut that can change when what is beyond it is missing; cuts are at multiples of `stride`.

        A 3 × 3 convolution disturbs one more pixel of its level. The strided one and the one after it make n of them
        ⌊n / 2⌋ + 2 of the next level; on the way up n are 2 n, and the two convolutions there disturb two more. Folding
        multiplies all of it.
        """
        down = [1]
        for _ in self.widths[1:]:
            down.append(down[-1] // 2 + 2)
        disturbed = down.pop()
        while down:
            disturbed = max(2 * disturbed, down.pop()) + 2
        return self.fold * disturbed

    def kernels(self) -> list[nn.Parameter]:
        """Weights of the convolutions, without those of the head."""
        return [weight for weight in self.parameters() if weight.ndim > 1 and weight is not self.head.weight]

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, 10, H, W) of images (N, 8, H, W)."""
        seen = images if self.indices is None else self.indices(images)
        folded = functional.pixel_unshuffle(seen, self.fold)
        logits = self.head(self.decoder(self.encoder(folded)))
        return functional.pixel_shuffle(logits, self.fold)
