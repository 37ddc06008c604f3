"""The network alone: tiles, sessions, batches, precision, and ONNX Runtime on the same file."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np

from benchmarks.measurement import Measurement

SECONDS = 4.0
TILES = (512, 1024, 1200)
"""Sides of square tiles."""
BATCHES = (1, 2, 4, 8)
"""Tiles that a session takes at once."""
BATCH_SIDE = 512
ROUNDS = 8


def throughput(sessions: Sequence[Callable[[np.ndarray], object]], height: int, width: int) -> tuple[float, int]:
    """Megapixels per second of one or more sessions at once, each in its own thread, on tiles of one size.

    Returns:
        The speed, and the number of tiles, that of the first round included.
    """
    images = np.random.default_rng(0).random((1, 8, height, width), dtype=np.float32)
    for run in sessions:
        run(images)
    counts = [0] * len(sessions)
    started = time.perf_counter()
    ends = [started] * len(sessions)

    def repeat(number: int) -> None:
        while ends[number] - started < SECONDS:
            sessions[number](images)
            counts[number] += 1
            ends[number] = time.perf_counter()

    threads = [threading.Thread(target=repeat, args=(number,)) for number in range(len(sessions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rates = (count / (end - started) for count, end in zip(counts, ends, strict=True))
    return sum(rates) * height * width / 1e6, sum(counts) + len(counts)


def network() -> Iterator[Measurement]:
    """One session on all cores, and as many single-threaded ones as there are cores; batches, fp32, ONNX Runtime."""
    from suelo.model.session import Model, load_model

    def runner(model: Model) -> Callable[[np.ndarray], object]:
        def run(images: np.ndarray) -> None:
            with model.run(images):
                pass

        return run

    cores = len(os.sched_getaffinity(0))
    together = [runner(load_model())]
    with as_file(files("suelo.model") / "weights" / "suelo.onnx") as path:
        apart = _single_threaded(path, cores)
        other = _onnxruntime(path)
    for side in TILES:
        name = f"network alone, tiles of {side} × {side}"
        yield Measurement(f"{name}: 1 session, {cores} threads", throughput(together, side, side)[0], "MPix/s")
        yield Measurement(f"{name}: {cores} sessions, 1 thread", throughput(apart, side, side)[0], "MPix/s")
    yield from _batches(runner(load_model(threads=1)))
    exact = throughput([runner(load_model(precision="f32"))], 512, 512)[0]
    yield Measurement("network alone, fp32, tiles of 512 × 512: OpenVINO", exact, "MPix/s")
    if other is not None:
        yield Measurement(
            "network alone, fp32, tiles of 512 × 512: ONNX Runtime", throughput([other], 512, 512)[0], "MPix/s"
        )


def _batches(run: Callable[[np.ndarray], object]) -> Iterator[Measurement]:
    """Processor time of one thread, the best of several rounds in turn: other work on the machine disturbs it least."""
    images = np.random.default_rng(0).random((max(BATCHES), 8, BATCH_SIDE, BATCH_SIDE), dtype=np.float32)
    best = dict.fromkeys(BATCHES, np.inf)
    for _ in range(ROUNDS):
        for batch in BATCHES:
            clock = time.process_time()
            run(images[:batch])
            best[batch] = min(best[batch], (time.process_time() - clock) / (batch * BATCH_SIDE**2 / 1e6))
    for batch, seconds in best.items():
        name = f"network alone, 1 thread, {batch} of {BATCH_SIDE} × {BATCH_SIDE} at once"
        yield Measurement(name, seconds, "s/MPix", f"processor time, best of {ROUNDS}")


def _single_threaded(path: Path, count: int) -> list[Callable[[np.ndarray], object]]:
    """Sessions of one thread each that run at once; two models of one thread each would take turns."""
    import openvino

    core = openvino.Core()
    options = {"PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": count, "INFERENCE_NUM_THREADS": count}
    compiled = core.compile_model(core.read_model(path), "CPU", options)

    def session(request: object) -> Callable[[np.ndarray], object]:
        return lambda images: request.infer([images], share_inputs=True, share_outputs=True)  # type: ignore[attr-defined]

    return [session(compiled.create_infer_request()) for _ in range(count)]


def _onnxruntime(path: Path) -> Callable[[np.ndarray], object] | None:
    try:
        import onnxruntime
    except ImportError:
        return None
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda images: session.run(None, {name: images})
