"""Several trainings at once, each on its share of the cores: two on a core each do more than one on both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import get_context
from queue import Queue
from threading import Thread

import torch

from suelo.training.fit import log_of
from suelo.training.options import Progress, TrainingOptions, TrainingProgress
from suelo.training.sources import gather, simulated_scenes
from suelo.training.watching import fit_gathered

_Steps = tuple[int, int, float | None]
"""Number of a training, its steps that are done, its loss."""


def fit_at_once(trainings: Sequence[TrainingOptions], progress: Progress | None = None) -> None:
    """Train networks in processes side by side; their work folders then hold finished checkpoints.

    The weights are those of one training after the other with as many threads.

    Args:
        trainings: Options of each, with work folders of their own and the same simulated scenes; `at_once` of the
            first says how many run at a time. Those that are finished are left alone.
        progress: Told the steps of all of them together, and their mean loss.

    Raises:
        InputError: A work folder holds another training, or the data are not what they should be.
    """
    trainings = [options for options in trainings if log_of(options).last_step() < options.steps]
    if not trainings:
        return
    first = trainings[0]
    at_once = min(first.at_once, len(trainings))
    threads = max(1, (first.threads or torch.get_num_threads()) // at_once)
    simulated_scenes(first, progress)  # not by each of them at the same time
    # Forked processes would inherit locks of OpenMP threads that do not exist in them.
    context = get_context("spawn")
    with context.Manager() as manager:
        steps = manager.Queue()
        with _told(steps, trainings, progress), ProcessPoolExecutor(at_once, mp_context=context) as processes:
            running = [
                processes.submit(_fit, number, replace(options, threads=threads), steps)
                for number, options in enumerate(trainings)
            ]
            try:
                wait(running, return_when=FIRST_EXCEPTION)
            finally:
                processes.shutdown(wait=True, cancel_futures=True)
            for one in running:
                if not one.cancelled():
                    one.result()


def _fit(number: int, options: TrainingOptions, steps: Queue[_Steps | None]) -> None:
    fit_gathered(options, gather(options), lambda now: steps.put((number, now.done, now.loss)))


@contextmanager
def _told(
    steps: Queue[_Steps | None], trainings: Sequence[TrainingOptions], progress: Progress | None
) -> Iterator[None]:
    """Pass on what the processes say, until the block ends."""

    def tell() -> None:
        done, losses = [0] * len(trainings), dict[int, float]()
        while (news := steps.get()) is not None:
            number, done[number], loss = news
            if loss is not None:
                losses[number] = loss
            if progress is not None:
                mean = sum(losses.values()) / len(losses) if losses else None
                progress(TrainingProgress("training", sum(done), total, mean))

    total = sum(options.steps for options in trainings)
    thread = Thread(target=tell, name="suelo-trainings")
    thread.start()
    try:
        yield
    finally:
        steps.put(None)
        thread.join()
