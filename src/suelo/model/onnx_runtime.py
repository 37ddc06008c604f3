"""The second way to run a model: ONNX Runtime, for graphics cards and other hardware that OpenVINO does not serve."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suelo.errors import ModelError
from suelo.model.contract import ModelContract
from suelo.model.session import Model

_SUFFIX = "ExecutionProvider"


class OnnxRuntimeModel(Model):
    """A model that an execution provider of ONNX Runtime runs. Any number of threads may ask it at once."""

    def __init__(self, contract: ModelContract, sha256: str, session: Any) -> None:  # noqa: ANN401
        """Wrap a session; use `suelo.load_model`.

        Args:
            contract: The contract.
            sha256: Hash of the file.
            session: `onnxruntime.InferenceSession`.
        """
        super().__init__(contract, sha256, None)
        self._session = session
        self._input = session.get_inputs()[0].name

    @contextmanager
    def run(self, images: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
        """See `Model.run`."""
        self.check(images)
        yield self._session.run(None, {self._input: np.ascontiguousarray(images, dtype=np.float32)})[0]


def start_session(content: bytes, provider: str, threads: int) -> Any:  # noqa: ANN401
    """An `onnxruntime.InferenceSession` of a model.

    Args:
        content: The ONNX file, which is known to be one.
        provider: Name of an execution provider without its ending, as in `cuda`; case does not matter. What it cannot
            run goes to the CPU.
        threads: Threads of what runs on the CPU; 0 for all cores.

    Raises:
        ModelError: ONNX Runtime is not installed, has no such provider, or cannot use it on this machine.
    """
    try:
        import onnxruntime
    except ImportError:
        raise ModelError(
            f"The provider {provider!r} belongs to ONNX Runtime, which is not installed; in Suelo's source folder: "
            "pip install '.[gpu]', or another package of ONNX Runtime that has the provider."
        ) from None
    offered = {name.removesuffix(_SUFFIX).lower(): name for name in onnxruntime.get_available_providers()}
    name = offered.get(provider.lower())
    if name is None:
        raise ModelError(
            f"ONNX Runtime has no provider {provider!r} here; it has {', '.join(offered)}. onnxruntime-gpu has cuda."
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    cpu = offered["cpu"]
    try:
        session = onnxruntime.InferenceSession(content, options, providers=[name, *([cpu] if name != cpu else [])])
    except Exception as error:  # the package exports none of the classes that it raises
        reason = str(error).splitlines()[0].rstrip(".")
        raise ModelError(f"ONNX Runtime cannot run the model with the provider {provider!r}: {reason}.") from error
    if session.get_providers()[0] != name:
        # It would go on, on the CPU alone.
        raise ModelError(
            f"ONNX Runtime cannot use the provider {provider!r} on this machine; its messages above say why."
        )
    return session
