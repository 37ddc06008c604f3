"""Fits a network: Muon or AdamW, cosine schedule, averaged weights, bfloat16 where it is fast; resumes exactly."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from suelo.training.checkpoint import Checkpoint, Log, check_unseen, first_images, first_weights
from suelo.training.losses import segmentation_loss
from suelo.training.muon import Muon
from suelo.training.network import UNet
from suelo.training.options import Progress, TrainingOptions, TrainingProgress
from suelo.training.sampling import Batch, ChipSampler, Source

CLASS_WEIGHTS = (1.0, 1.2, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.2, 1.2)
"""Say of each class in the loss."""

_WARM_UP = 0.05
_FINAL_RATE = 0.01


def best_device() -> torch.device:
    """CUDA if there is any, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 is quicker than float32 on this device."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def learning_rate(step: int, options: TrainingOptions) -> float:
    """The rate of a step: linear rise over the first twentieth, then half a cosine."""
    warm_up = max(1, round(options.steps * _WARM_UP))
    if step < warm_up:
        return options.learning_rate * (step + 1) / warm_up
    part = (step - warm_up) / max(1, options.steps - warm_up)
    return options.learning_rate * (_FINAL_RATE + (1 - _FINAL_RATE) * 0.5 * (1 + math.cos(math.pi * part)))


def fit(
    options: TrainingOptions,
    identity: str,
    batches: Callable[[int], Batch],
    validate: Callable[[UNet], float] | None = None,
    progress: Progress | None = None,
    images: Sequence[str] = (),
) -> UNet:
    """Train a network, or go on with the training that `options.work` holds.

    A batch depends on its step alone and a checkpoint holds all that a step changes, so that a training that was
    interrupted ends with the very weights of one that was not (on the same machine with as many threads).

    Args:
        options: The options.
        identity: What the training is: a checkpoint with another identity is refused.
        batches: Gives the batch of a step; called from another thread, one step ahead.
        validate: Gives the mean Jaccard index of a network in evaluation mode; None to train to the end unwatched.
        progress: Called after every step.
        images: Names of the labelled images that the weights will have learned from.

    Returns:
        The averaged weights at the validation where they were best, or the last ones where nothing validates, in
        evaluation mode, on the CPU.

    Raises:
        InputError: The folder holds another training.
    """
    if options.threads:
        torch.set_num_threads(options.threads)
    device = best_device()
    fit_run = _Run(options, device)
    store = Checkpoint(options.work / "checkpoint.pt", identity, images)
    log = log_of(options)
    start = fit_run.restore(store.load(device))
    log.keep_until(start)
    with ThreadPoolExecutor(1, thread_name_prefix="batches") as ahead:
        coming = ahead.submit(batches, start) if start < options.steps else None
        for step in range(start, options.steps):
            assert coming is not None
            batch = coming.result()
            coming = ahead.submit(batches, step + 1) if step + 1 < options.steps else None
            fit_run.step(step, batch)
            done = step + 1
            if done % options.validate_every == 0 or done == options.steps:
                fit_run.judge(None if validate is None else validate(fit_run.average))
                log.add((done, learning_rate(step, options), fit_run.loss, fit_run.jaccard))
            if done % options.checkpoint_every == 0 or done == options.steps or fit_run.finished:
                store.save(fit_run.state(done))
            if progress is not None:
                progress(TrainingProgress("training", done, options.steps, fit_run.loss, fit_run.jaccard))
            if fit_run.finished:
                break
    return fit_run.best_network()


def log_of(options: TrainingOptions) -> Log:
    """The log of a training."""
    return Log(options.work / "log.csv", ("step", "learning_rate", "loss", "jaccard"))


def fit_chips(
    options: TrainingOptions,
    sources: Sequence[Source],
    validate: Callable[[UNet], float] | None = None,
    progress: Progress | None = None,
) -> UNet:
    """`fit` on chips drawn from the sources.

    Args:
        options: The options.
        sources: What chips are drawn from.
        validate: As for `fit`.
        progress: Called after every step.

    Raises:
        InputError: The folder holds another training, or the training to start from saw what this one must not see.
    """
    seen = images_seen(options, sources)
    check_unseen(seen, options.hold_out, f"The training in {options.start}")
    sampler = ChipSampler(
        sources, chip=options.chip, batch=options.batch, seed=options.seed, augmentation=options.augmentation
    )
    return fit(options, options.identity_text(), sampler.batch, validate, progress, seen)


def images_seen(options: TrainingOptions, sources: Sequence[Source]) -> tuple[str, ...]:
    """Names of the labelled DSTL images that a network will have learned from, by itself or by where it starts.

    Args:
        options: The options of its training.
        sources: What its chips are drawn from.

    Raises:
        InputError: There is no training to start from.
    """
    own = [scene.name for source in sources if source.name == "dstl" for scene in source.scenes]
    before = first_images(options.start) if options.start is not None else ()
    return tuple(dict.fromkeys((*own, *before)))


def new_network(options: TrainingOptions) -> UNet:
    """A network of the shape that the options ask for, with random weights."""
    return UNet(widths=options.widths, fold=options.fold, indices=options.indices)


def _optimizers(network: UNet, options: TrainingOptions) -> list[torch.optim.Optimizer]:
    """What moves the weights: each of them is moved by one."""
    kernels = [] if options.optimizer == "adamw" else network.kernels()
    others = [weight for weight in network.parameters() if all(weight is not kernel for kernel in kernels)]
    adamw = torch.optim.AdamW(others, lr=options.learning_rate, weight_decay=options.weight_decay)
    return [adamw, Muon(kernels, options.learning_rate, options.weight_decay)] if kernels else [adamw]


class _Run:
    """Everything that changes from step to step."""

    def __init__(self, options: TrainingOptions, device: torch.device) -> None:
        self.options = options
        self.device = device
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(options.seed)
            network = new_network(options)
        if options.start is not None:
            network.load_state_dict(first_weights(options.start))
        self.network = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network).eval().requires_grad_(requires_grad=False)
        self.best = {name: value.clone() for name, value in self.average.state_dict().items()}
        self.best_jaccard = -1.0
        self.stale = 0
        self.loss: float | None = None
        self.jaccard: float | None = None
        self.optimizers = _optimizers(self.network, options)
        self.class_weights = torch.tensor(CLASS_WEIGHTS, device=device)
        self.bfloat16 = has_fast_bfloat16(device)

    def step(self, step: int, batch: Batch) -> None:
        """One step of the optimizer, and of the average."""
        rate = learning_rate(step, self.options)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
        self.network.train()
        images = batch.images.to(self.device, memory_format=torch.channels_last)
        targets, weights = batch.targets.to(self.device), batch.weights.to(self.device)
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bfloat16):
            logits = self.network(images)
        kinds = batch.kinds.to(self.device)
        loss = segmentation_loss(logits, targets, weights, self.class_weights, kinds, self.options.loss)
        self.network.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.options.gradient_clip)
        for optimizer in self.optimizers:
            optimizer.step()
        self._follow(min(self.options.average_decay, (1 + step) / (10 + step)))
        value = float(loss.detach())
        self.loss = value if self.loss is None else 0.98 * self.loss + 0.02 * value

    def _follow(self, decay: float) -> None:
        with torch.no_grad():
            for ours, theirs in zip(
                self.average.state_dict().values(), self.network.state_dict().values(), strict=True
            ):
                if ours.is_floating_point():
                    ours.lerp_(theirs, 1.0 - decay)
                else:
                    ours.copy_(theirs)

    def judge(self, jaccard: float | None) -> None:
        """Note a validation; keep the averaged weights if they are the best so far, or if nobody can say."""
        self.jaccard = jaccard
        self.stale += jaccard is not None
        if jaccard is None or jaccard > self.best_jaccard:
            self.best_jaccard, self.stale = jaccard or 0.0, 0
            self.best = {name: value.clone() for name, value in self.average.state_dict().items()}

    @property
    def finished(self) -> bool:
        """Whether validations have stopped improving."""
        return 0 < self.options.patience <= self.stale

    def best_network(self) -> UNet:
        """The best averaged network, on the CPU."""
        network = new_network(self.options)
        network.load_state_dict(self.best)
        return network.cpu().eval()

    def state(self, step: int) -> dict[str, object]:
        """What a checkpoint holds."""
        return {
            "step": step,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "best": self.best,
            "numbers": [self.best_jaccard, self.stale, self.loss, self.jaccard],
        }

    def restore(self, state: dict[str, object] | None) -> int:
        """Take up a checkpoint; the step to go on with."""
        if state is None:
            return 0
        tensors: dict[str, dict[str, Tensor]] = state  # type: ignore[assignment]
        self.network.load_state_dict(tensors["network"])
        self.average.load_state_dict(tensors["average"])
        held: list[dict[str, object]] = state["optimizers"]  # type: ignore[assignment]
        for optimizer, theirs in zip(self.optimizers, held, strict=True):
            optimizer.load_state_dict(theirs)
        self.best = dict(tensors["best"])
        self.best_jaccard, self.stale, self.loss, self.jaccard = state["numbers"]  # type: ignore[misc]
        step = state["step"]
        assert isinstance(step, int)
        return self.options.steps if self.finished else step
