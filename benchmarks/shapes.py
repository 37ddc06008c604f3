"""What the shape of a network costs: its time beside that of the shipped shape. Needs the training extra."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.measurement import Measurement

SHAPES = {
    "blocks of 2 × 2, 32-64-144-256 (shipped)": (2, (32, 64, 144, 256)),
    "full resolution, 16-40-88-160-208": (1, (16, 40, 88, 160, 208)),
    "blocks of 4 × 4, 64-144-256": (4, (64, 144, 256)),
    "blocks of 2 × 2, 16-32-72-128": (2, (16, 32, 72, 128)),
}
"""Side of the blocks that the finest level takes as one pixel, and channels per level; weights are random."""

SIDES = (160, 512)
ROUNDS = 12


def shapes() -> Iterator[Measurement]:
    """The best of several rounds in turn, so that other work on the machine disturbs all alike."""
    import torch

    from suelo.model.contract import ModelContract
    from suelo.model.session import load_model
    from suelo.training.export import export_onnx
    from suelo.training.network import UNet

    models = {}
    with TemporaryDirectory() as folder:
        for number, (name, (fold, widths)) in enumerate(SHAPES.items()):
            path = Path(folder) / f"{number}.onnx"
            torch.manual_seed(0)
            export_onnx(UNet(widths=widths, fold=fold), ModelContract(name=name, version="0"), path)
            models[name] = load_model(path)
    for side in SIDES:
        image = np.random.default_rng(0).random((1, 8, side, side), dtype=np.float32)
        times = dict.fromkeys(models, float("inf"))
        for _ in range(ROUNDS):
            for name, model in models.items():
                model.predict(image)
                started = time.perf_counter()
                model.predict(image)
                times[name] = min(times[name], time.perf_counter() - started)
        first = next(iter(times.values()))
        for name, taken in times.items():
            yield Measurement(
                f"{side} × {side}: {name}", taken * 1000, "ms", f"{taken / first:.2f} of the shipped shape"
            )
