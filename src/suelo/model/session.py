"""A model file made ready to run, by OpenVINO unless told otherwise, to be loaded once and used from any thread."""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from suelo.errors import ModelError
from suelo.imagery.layout import BANDS
from suelo.landcover import CLASS_COUNT
from suelo.model.contract import METADATA_KEY, STRIDE, ModelContract

Precision = Literal["f32", "bf16"]

Result = TypeVar("Result")

_FLIPS = "flips"
SHIPPED = {"fp32": "suelo.onnx", "int8": "suelo-int8.onnx", _FLIPS: "suelo.onnx"}
"""Files of the model in this package, by the words that stand in the place of a path: in fp32, in int8, and in fp32
asked about each place in eight orientations."""

SMALL_PIXELS = 1 << 16
"""Images of up to so many pixels that come at the same time are run side by side rather than one after the other."""

_MOST_STREAMS = 8

_loading = threading.Lock()


class Model:
    """A network that is ready to run.

    Attributes:
        contract: What the model file says about itself.
        sha256: Hash of the model file, hexadecimal.
    """

    def __init__(
        self,
        contract: ModelContract,
        sha256: str,
        compiled: Any,  # noqa: ANN401
        compile_streams: Callable[[int], Any] | None = None,
    ) -> None:
        """Wrap a compiled network; use `load_model`.

        Args:
            contract: The contract.
            sha256: Hash of the file.
            compiled: `openvino.CompiledModel`, which runs one image at a time.
            compile_streams: Makes one that runs so many images at the same time, where that is possible.
        """
        self.contract = contract
        self.sha256 = sha256
        self._all_cores = _Requests(compiled)
        self._compile_streams = compile_streams
        self._side_by_side: _Requests | None = None
        self._running = 0
        self._lock = threading.Lock()
        self._threads: ThreadPoolExecutor | None = None

    def predict(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the network. Any number of threads may call this at once.

        Args:
            images: Normalised pixels, (N, 8, H, W); H and W are multiples of 16.

        Returns:
            Probabilities 0..1, float32 (N, 10, H, W).

        Raises:
            ModelError: The array has another shape.
        """
        with self.run(images) as probabilities:
            return probabilities.copy()

    @contextmanager
    def run(self, images: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
        """As `predict`, without a copy: the probabilities lie in the network's own memory and hold within the block.

        Args:
            images: As for `predict`.

        Raises:
            ModelError: The array has another shape.
        """
        self.check(images)
        shape = images.shape
        small = shape[0] * shape[2] * shape[3] <= SMALL_PIXELS
        inputs = [np.ascontiguousarray(images, dtype=np.float32)]
        with self._count() as others, self._requests(side_by_side=small and others > 0).one() as request:
            if not small:
                yield request.infer(inputs, share_inputs=True, share_outputs=True)[0]
                return
            # In threads of OpenVINO's own: for each thread that runs the network itself, OpenVINO keeps memory.
            request.start_async(inputs, share_inputs=True)
            request.wait()
            yield request.get_output_tensor(0).data

    @staticmethod
    def check(images: NDArray[np.float32]) -> None:
        """Make sure that the network can take an array.

        Raises:
            ModelError: The array has another shape.
        """
        shape = images.shape
        if len(shape) != 4 or shape[1] != BANDS or 0 in shape or shape[2] % STRIDE or shape[3] % STRIDE:
            raise ModelError(
                f"The network takes arrays of shape (N, {BANDS}, H, W) with H and W multiples of {STRIDE}, "
                f"not {tuple(shape)}."
            )

    @contextmanager
    def _count(self) -> Iterator[int]:
        """How many others run the network."""
        with self._lock:
            others = self._running
            self._running += 1
        try:
            yield others
        finally:
            with self._lock:
                self._running -= 1

    def _requests(self, *, side_by_side: bool) -> _Requests:
        """Small images that come together take a core each, which they use better than all cores one after the other.

        The answers are the same to the last bit. Large images would need too much memory for that.
        """
        if not side_by_side or self._compile_streams is None:
            return self._all_cores
        with _loading:
            if self._side_by_side is None:
                streams = min(self._all_cores.compiled.get_property("INFERENCE_NUM_THREADS"), _MOST_STREAMS)
                self._side_by_side = self._all_cores if streams == 1 else _Requests(self._compile_streams(streams))
        return self._side_by_side

    def submit(self, work: Callable[[], Result]) -> Future[Result]:
        """Do something in one of two threads of this model: prepare images, run the network, use what comes out.

        The network runs on all its cores for one caller after the other; with two of them, one's images are prepared
        and used while it works for the other. The threads stay, because OpenVINO keeps memory for each.
        """
        with _loading:
            self._threads = self._threads or ThreadPoolExecutor(max_workers=2, thread_name_prefix="suelo-network")
        return self._threads.submit(work)


class _Requests:
    """Infer requests of a compiled network. Each owns its buffers and serves one caller at a time; idle ones wait."""

    def __init__(self, compiled: Any) -> None:  # noqa: ANN401
        self.compiled = compiled
        self._idle: queue.LifoQueue[Any] = queue.LifoQueue()

    @contextmanager
    def one(self) -> Iterator[Any]:
        try:
            request = self._idle.get_nowait()
        except queue.Empty:
            request = self.compiled.create_infer_request()
        try:
            yield request
        finally:
            self._idle.put(request)


def load_model(
    path: Path | None = None, *, threads: int = 0, precision: Precision | None = None, provider: str = ""
) -> Model:
    """Read a model file, check its contract, and make it ready to run.

    Args:
        path: An ONNX file, or a word of `SHIPPED`; the shipped model in fp32 by default.
        threads: Threads that run the network; 0 for all cores.
        precision: "f32" or "bf16" for the arithmetic; by default the fastest that the CPU has for the model. Not for
            a provider, which decides by itself.
        provider: Execution provider of ONNX Runtime that runs the network, as in "cuda"; by default OpenVINO does, on
            the CPU.

    Raises:
        ModelError: The file is missing, is not ONNX, has no contract, or does not fit it; or the provider cannot be
            used.
    """
    word = str(path or "fp32")
    if word not in SHIPPED:
        return _load(Path(word), threads, precision, provider)
    with as_file(files("suelo.model") / "weights" / SHIPPED[word]) as shipped:
        model = _load(shipped, threads, precision, provider)
    if word != _FLIPS:
        return model
    from suelo.model.flips import FlippedModel

    return FlippedModel(model)


@cache
def _shared(path: Path | None, threads: int, provider: str) -> Model:
    return load_model(path, threads=threads, provider=provider)


def shared_model(path: Path | None = None, threads: int = 0, provider: str = "") -> Model:
    """The model of this process: loaded at the first call, the same object afterwards.

    Args:
        path: An ONNX file; the shipped model by default.
        threads: Threads that run the network; 0 for all cores.
        provider: As for `load_model`.

    Raises:
        ModelError: As for `load_model`.
    """
    with _loading:
        return _shared(path, threads, provider)


def _load(path: Path, threads: int, precision: Precision | None, provider: str) -> Model:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"The model file {path} cannot be read: {error.strerror}.") from None
    import openvino as ov

    core = ov.Core()
    try:
        network = core.read_model(content)
    except RuntimeError:
        raise ModelError(f"The model file {path} is not an ONNX model.") from None
    if not network.has_rt_info(["framework", METADATA_KEY]):
        raise ModelError(
            f"The model file {path} has no contract: its metadata_props lack {METADATA_KEY!r}, so its bands, "
            "classes and normalisation are unknown."
        )
    contract = ModelContract.from_json(network.get_rt_info(["framework", METADATA_KEY]).astype(str), str(path))
    _check_shapes(network, path)
    sha256 = hashlib.sha256(content).hexdigest()
    if provider:
        if precision:
            raise ModelError(f"The provider {provider!r} computes as precisely as it does; leave the precision out.")
        from suelo.model.onnx_runtime import OnnxRuntimeModel, start_session

        return OnnxRuntimeModel(contract, sha256, start_session(content, provider, threads))
    # Pinned to cores, every process with fewer threads than cores would take the first ones.
    options: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "ENABLE_CPU_PINNING": False}
    if threads:
        options["INFERENCE_NUM_THREADS"] = threads
    if precision:
        options["INFERENCE_PRECISION_HINT"] = precision

    def compiled(streams: int | None = None) -> Any:  # noqa: ANN401
        some = options | ({"NUM_STREAMS": streams} if streams else {})
        try:
            return core.compile_model(network, "CPU", some)
        except RuntimeError:
            if precision:
                raise ModelError(f"The network in {path} cannot run in {precision} on this CPU.") from None
            # OpenVINO chooses bf16 by the CPU, and oneDNN refuses it where ONEDNN_MAX_CPU_ISA forbids the instructions.
            return core.compile_model(network, "CPU", some | {"INFERENCE_PRECISION_HINT": "f32"})

    return Model(contract, sha256, compiled(), compiled)


def _check_shapes(network: Any, path: Path) -> None:  # noqa: ANN401
    if len(network.inputs) != 1 or len(network.outputs) != 1:
        raise ModelError(f"The model file {path} needs one input and one output.")
    for port, what, channels in ((network.inputs[0], "takes", BANDS), (network.outputs[0], "gives", CLASS_COUNT)):
        shape = port.get_partial_shape()
        if shape.rank.is_static and shape.rank.get_length() == 4 and shape[1].is_static:
            found = shape[1].get_length()
            if found != channels:
                raise ModelError(f"The network in {path} {what} {found} channels; {channels} are needed.")
            if shape[2].is_dynamic and shape[3].is_dynamic:
                continue
        raise ModelError(f"The network in {path} {what} an array of shape {shape}; (N, {channels}, H, W) is needed.")
