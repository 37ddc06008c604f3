"""Makes an int8 model file of an fp32 one: weights and the numbers between layers in eight bits each."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suelo.errors import InputError
from suelo.imagery.layout import BANDS
from suelo.model.contract import STRIDE
from suelo.model.session import load_model
from suelo.training.model_file import write_model_file
from suelo.training.splitting import split_concatenations

NOTE_KEY = "quantisation"
"""Where `ModelContract.training` says how an int8 file was calibrated."""

Progress = Callable[[int, int], None]
"""Takes the images that were looked at and all."""


def quantise(
    model_path: Path,
    images: Iterable[NDArray[np.float32]],
    out: Path,
    *,
    note: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write a model file that computes in int8 what another one computes in fp32.

    Post-training quantisation: no weight is trained again. The images show how large the numbers between the
    layers get at most; each array is given one scale and zero point, each channel of the weights one scale. Biases
    are shifted to make up for the mean error. What the last layer gives, and the sigmoid of it, stay in floating
    point, so the probabilities have as fine steps as before.

    The file has standard QuantizeLinear and DequantizeLinear nodes, which OpenVINO and ONNX Runtime turn into int8
    arithmetic. Input, output and contract are those of the fp32 file, but for the precision, a note of the
    calibration in `training`, and that the figures say with which file they were measured.

    Args:
        model_path: An fp32 model file.
        images: Normalised pixels like those the model will see, float32 (N, 8, H, W) each; H and W are multiples of
            16. About a hundred chips are enough; the same images give the same file.
        out: The file to write; it appears only when it is whole.
        note: What else `contract.training["quantisation"]` is to say, such as where the images come from.
        progress: Told how many images were looked at.

    Returns:
        `out`.

    Raises:
        InputError: NNCF is not installed, there are no images, or one has another shape.
        ModelError: The file is missing or is not a model.
    """
    check_installed()
    source = load_model(model_path)
    if source.contract.precision != "fp32":
        raise InputError(f"The model in {model_path} is {source.contract.precision} already; one in fp32 is needed.")
    chips = [chip for stack in images for chip in _single(stack)]
    if not chips:
        raise InputError("There is nothing to calibrate on: at least one image is needed.")
    import onnx

    with _quiet_nncf() as nncf:
        ranges = import_module("nncf.quantization.range_estimator").RangeEstimatorParametersSet
        given = onnx.load(str(model_path))
        port = given.graph.input[0].name
        looked_at = _counted(len(chips), progress)
        quantised = nncf.quantize(
            split_concatenations(given),
            nncf.Dataset(chips, lambda chip: looked_at({port: chip})),
            # Rectified numbers are never negative: symmetric steps would waste half of them.
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(chips),
            advanced_parameters=nncf.AdvancedQuantizationParameters(
                # CPUs without VNNI add products in 16 bits, which weights of eight bits overflow and of seven do not.
                overflow_fix=nncf.OverflowFix.ENABLE,
                # The largest number of all chips, not the mean of theirs: what only few chips have, such as
                # vehicles, would be cut off.
                activations_range_estimator_params=ranges.MINMAX,
            ),
        )
        how = {
            "tool": f"nncf {nncf.__version__}",
            "preset": "mixed",
            "overflow_fix": "enable",
            "activation_ranges": "largest of all chips",
        }
    details = {**how, "chips": len(chips), "fp32_sha256": source.sha256, **(note or {})}
    contract = source.contract.another_form(
        "the fp32 model that it was made of",
        precision="int8",
        training={**source.contract.training, NOTE_KEY: details},
    )
    write_model_file(quantised, contract, out)
    return out


def _single(stack: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """The images of an array as arrays of one each: NNCF measures the range of an image, not of a batch."""
    shape = stack.shape
    if len(shape) != 4 or shape[1] != BANDS or 0 in shape or shape[2] % STRIDE or shape[3] % STRIDE:
        raise InputError(
            f"Images for calibration have the shape (N, {BANDS}, H, W) with H and W multiples of {STRIDE}, "
            f"not {tuple(shape)}."
        )
    if not np.isfinite(stack).all():
        raise InputError("An image for calibration has values that are not finite.")
    for image in stack:
        yield np.ascontiguousarray(image[None], np.float32)


def _counted(total: int, progress: Progress | None) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Passes on what it is given, and tells the progress each time; images may be looked at more than once."""
    seen = 0

    def tell(inputs: dict[str, Any]) -> dict[str, Any]:
        nonlocal seen
        seen += 1
        if progress is not None:
            progress(min(seen, total), total)
        return inputs

    return tell


def check_installed() -> None:
    """Say early what is missing.

    Raises:
        InputError: NNCF, or what it runs the network with, is not installed.
    """
    for package in ("onnx", "onnxruntime", "nncf"):
        if find_spec(package) is None:
            raise InputError(
                f"Quantisation needs the package {package}, which is not installed; "
                "in Suelo's source folder: pip install '.[train]'."
            )


@contextmanager
def _quiet_nncf() -> Iterator[Any]:
    """NNCF without its messages and progress bars on standard output, and without its messages to its makers."""
    # Read when NNCF is imported: otherwise it reports each use over the network, unasked.
    os.environ.setdefault("NNCF_CI", "1")
    with redirect_stdout(io.StringIO()):
        nncf = import_module("nncf")
        logging.getLogger("nncf").setLevel(logging.ERROR)
        yield nncf
