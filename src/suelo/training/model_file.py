"""Writes a network with its contract inside; the file appears only when it is whole."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from suelo.model.contract import METADATA_KEY, ModelContract


def write_model_file(model: Any, contract: ModelContract, path: Path) -> None:  # noqa: ANN401 - onnx has no types
    """Check a network and write it.

    Args:
        model: `onnx.ModelProto`; it gets the contract.
        contract: What the file says about itself.
        path: The file; its folder is made where it is not there.
    """
    import onnx

    onnx.helper.set_model_props(model, {METADATA_KEY: contract.to_json()})
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        onnx.save(model, str(temporary))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
