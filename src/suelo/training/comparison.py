"""Sets an int8 model beside the fp32 one that it was made of: what it loses, and how much faster it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suelo.landcover import CLASS_KEYS, CLASSES
from suelo.model.session import Model
from suelo.segmentation.selection import Selection
from suelo.training.crossvalidation import predict_labelled
from suelo.training.evaluate import count_simulated
from suelo.training.labelled import LabelledScene
from suelo.training.metrics import JaccardCounts, LevelCounts
from suelo.training.options import VALIDATION_SEEDS
from suelo.training.sources import kind_of

LARGEST_LOSS = 0.005
"""An int8 model that loses more of the mean Jaccard index than this is not worth its speed."""

CHIP = 160
"""Height and width of the chips that users have."""

_TURNS = 12

Progress = Callable[[str, int, int], None]
"""Takes what is being done, how much is done, and how much there is."""


@dataclass(frozen=True)
class Losses:
    """Jaccard indices of both models on scenes of one kind, at the thresholds of the contract.

    Attributes:
        kind: The scenes: "simulated", "dstl", "naip" or "dubai".
        scenes: How many.
        fp32: Per class; None where the scenes have none of it: what is called in vain would only dilute the mean.
        int8: The same of the int8 model.
    """

    kind: str
    scenes: int
    fp32: tuple[float | None, ...]
    int8: tuple[float | None, ...]

    def per_class(self) -> tuple[float | None, ...]:
        """What int8 loses, per class; None where one of the two is not measurable."""
        pairs = zip(self.fp32, self.int8, strict=True)
        return tuple(None if before is None or after is None else before - after for before, after in pairs)

    def means(self) -> tuple[float, float, float]:
        """Plain means over the classes that both can be measured on: fp32, int8, and the difference."""
        pairs = [(b, a) for b, a in zip(self.fp32, self.int8, strict=True) if b is not None and a is not None]
        if not pairs:
            return 0.0, 0.0, 0.0
        before, after = (sum(values) / len(pairs) for values in zip(*pairs, strict=True))
        return before, after, before - after


@dataclass(frozen=True)
class Speed:
    """Time that the network alone takes for one array, the best of several turns.

    Attributes:
        side: Height and width of the array in pixels.
        fp32_ms: Milliseconds in fp32.
        int8_ms: Milliseconds in int8.
    """

    side: int
    fp32_ms: float
    int8_ms: float

    @property
    def ratio(self) -> float:
        """Time in int8 over time in fp32."""
        return self.int8_ms / self.fp32_ms


@dataclass(frozen=True)
class Comparison:
    """What a user of int8 loses and gains.

    Attributes:
        losses: Per kind of scene.
        speeds: Per size of array.
    """

    losses: tuple[Losses, ...]
    speeds: tuple[Speed, ...]

    def table(self) -> str:
        """A Markdown table of the Jaccard indices, and sentences on the loss and the speed."""
        head = [title for found in self.losses for title in (f"{found.kind} fp32", "int8", "loss")]
        rows = [["class", *head]]
        for number, key in enumerate(CLASS_KEYS):
            cells = [(found.fp32[number], found.int8[number], found.per_class()[number]) for found in self.losses]
            rows.append([key, *(text for three in cells for text in _figures(*three))])
        means = [text for found in self.losses for text in _figures(*found.means())]
        rows.append(["**mean**", *(f"**{text}**" for text in means)])
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        lines.insert(1, "|---|" + "---:|" * len(head))
        return "\n".join([*lines, "", *map(_verdict, self.losses), "", *map(_told, self.speeds)])

    def to_json(self) -> dict[str, Any]:
        """Everything as JSON-ready values."""
        return {
            "losses": [
                {
                    "kind": found.kind,
                    "scenes": found.scenes,
                    "fp32": dict(zip(CLASS_KEYS, found.fp32, strict=True)),
                    "int8": dict(zip(CLASS_KEYS, found.int8, strict=True)),
                    "mean_loss": found.means()[2],
                }
                for found in self.losses
            ],
            "speeds": [
                {"side": speed.side, "fp32_ms": speed.fp32_ms, "int8_ms": speed.int8_ms, "ratio": speed.ratio}
                for speed in self.speeds
            ],
        }


def compare(
    fp32: Model,
    int8: Model,
    labelled: Sequence[LabelledScene] = (),
    seeds: Sequence[int] = VALIDATION_SEEDS[:16],
    *,
    size: int = 512,
    thresholds: Sequence[float] | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Run both models over the same scenes, through the engine that users run, and over the same tiles.

    Args:
        fp32: The model that was quantised.
        int8: What was made of it.
        labelled: Real scenes, none of which was calibrated on.
        seeds: Seeds of simulated scenes, the same.
        size: Height and width of a simulated scene in pixels.
        thresholds: One per class; those of the fp32 model by default.
        progress: Told how far it is.
    """
    tell = progress or (lambda _stage, _done, _total: None)
    selection = Selection(tuple(thresholds or fp32.contract.thresholds))
    levels = np.array([selection.level(land_cover) for land_cover in CLASSES])
    losses = []
    if seeds:
        before, after = (
            count_simulated(model, seeds, size, partial(tell, f"simulated scenes in {model.contract.precision}"))
            for model in (fp32, int8)
        )
        losses.append(_losses("simulated", len(seeds), before.at(levels), after.at(levels)))
    kinds: dict[str, list[LabelledScene]] = {}
    for scene in labelled:
        kinds.setdefault(kind_of(scene.name), []).append(scene)
    for kind, scenes in kinds.items():
        before, after = LevelCounts(), LevelCounts()
        for done, scene in enumerate(scenes):
            tell(kind, done, len(scenes))
            members, known = scene.members(), scene.known()
            before.add(predict_labelled(fp32, scene), members, known)
            after.add(predict_labelled(int8, scene), members, known)
        losses.append(_losses(kind, len(scenes), before.at(levels), after.at(levels)))
    return Comparison(tuple(losses), measure_speeds(fp32, int8))


def measure_speeds(
    fp32: Model, int8: Model, sides: Sequence[int] | None = None, turns: int = _TURNS
) -> tuple[Speed, ...]:
    """Time both networks on the same arrays, turn by turn, so that other work on the machine slows both.

    Args:
        fp32: One model.
        int8: The other.
        sides: Heights and widths in pixels; a chip and a tile by default.
        turns: How often each is timed, after one turn that does not count.
    """
    found = []
    for side in dict.fromkeys(sides or (CHIP, fp32.contract.tile)):
        image = np.random.default_rng(side).uniform(0, 1, (1, 8, side, side)).astype(np.float32)
        turn_times = [(_seconds(fp32, image), _seconds(int8, image)) for _ in range(turns + 1)][1:]
        before, after = (1000 * min(times) for times in zip(*turn_times, strict=True))
        found.append(Speed(side, before, after))
    return tuple(found)


def _seconds(model: Model, image: NDArray[np.float32]) -> float:
    started = time.perf_counter()
    model.predict(image)
    return time.perf_counter() - started


def _losses(kind: str, scenes: int, before: JaccardCounts, after: JaccardCounts) -> Losses:
    return Losses(kind, scenes, _where_there_is_truth(before), _where_there_is_truth(after))


def _where_there_is_truth(counts: JaccardCounts) -> tuple[float | None, ...]:
    pairs = zip(counts.per_class(), counts.truth.tolist(), strict=True)
    return tuple(index if truth else None for index, truth in pairs)


def _figures(before: float | None, after: float | None, loss: float | None) -> tuple[str, str, str]:
    if before is None and after is None:
        return "", "", ""
    plain = ["not measurable" if value is None else f"{value:.3f}" for value in (before, after)]
    return plain[0], plain[1], "" if loss is None else f"{loss:+.4f}"


def _verdict(found: Losses) -> str:
    loss = found.means()[2]
    within = "within" if loss <= LARGEST_LOSS else "more than"
    return f"{found.kind}, {found.scenes} scenes: int8 loses {loss:+.4f} on average, {within} {LARGEST_LOSS}."


def _told(speed: Speed) -> str:
    return (
        f"network alone, {speed.side} × {speed.side} pixels: fp32 {speed.fp32_ms:.1f} ms, int8 {speed.int8_ms:.1f} ms, "
        f"ratio {speed.ratio:.2f}"
    )
