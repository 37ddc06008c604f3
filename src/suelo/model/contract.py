"""The contract of a model file: what it takes, what it gives, how it was made and how good it is."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from suelo.errors import ModelError
from suelo.imagery.grid import DEFAULT_GSD_M
from suelo.imagery.scene import BAND_NAMES, Scene
from suelo.imagery.statistics import CLIP, BandStatistics, measure_statistics
from suelo.landcover import CLASS_COUNT, CLASS_KEYS

METADATA_KEY = "suelo"
"""Key of the contract in the `metadata_props` of the ONNX file."""

STRIDE = 16
"""Height and width of what a model takes are multiples of this many pixels."""

Threshold = Annotated[float, Field(gt=0.0, le=1.0)]


class Normalisation(BaseModel):
    """How the pixels of a scene become the input of the network.

    Attributes:
        method: "percentile": (value - low) / (high - low) per band, with the percentiles of the scene's valid pixels.
        low: Percentile that becomes 0.
        high: Percentile that becomes 1.
        clip: Smallest and largest input value; pixels without data are 0.
    """

    model_config = ConfigDict(frozen=True)

    method: Literal["percentile"] = "percentile"
    low: float = Field(default=1.0, ge=0.0, lt=100.0)
    high: float = Field(default=99.0, gt=0.0, le=100.0)
    clip: tuple[float, float] = CLIP

    def measure(self, scene: Scene) -> BandStatistics:
        """Measure the statistics that normalise a scene for this model.

        Raises:
            ImageError: No pixel has data.
        """
        return measure_statistics(scene, self.low, self.high)


class Metrics(BaseModel):
    """How good a model is.

    Attributes:
        measured_on: What it was measured on, in words.
        jaccard: Per class key: intersection over union, areas summed over all scenes; None where not measurable.
        mean_jaccard: Plain mean over the measurable classes, or None.
        polygon_jaccard: The same of the exported polygons against the label polygons; empty where not measured.
        mean_polygon_jaccard: Its plain mean, or None.
        scenes: Per class key: scenes whose labels have the class; empty where nobody counted.
    """

    model_config = ConfigDict(frozen=True)

    measured_on: str
    jaccard: dict[str, float | None]
    mean_jaccard: float | None
    polygon_jaccard: dict[str, float | None] = {}
    mean_polygon_jaccard: float | None = None
    scenes: dict[str, int] = {}

    def said_of(self, measured_with: str) -> Self:
        """The same figures, which say that another form of the model was measured."""
        return self.model_copy(update={"measured_on": f"{self.measured_on}; measured with {measured_with}"})


class ModelContract(BaseModel):
    """What a model file says about itself.

    Attributes:
        name: Name of the model.
        version: Version of the model.
        bands: Names of the input bands, in order.
        normalisation: How pixels become input.
        gsd_m: Ground sampling distance, in metres, that the network was trained at.
        classes: Keys of the output channels, in order.
        thresholds: Per class: the probability from which a pixel belongs to it, unless the user says otherwise.
        tile: Side in pixels of the square tiles that a large scene is cut into, halo included.
        halo: Pixels along a cut whose result is disturbed by the cut and is not used.
        precision: Number format of the weights.
        training: Data, split, seed and options of the training.
        metrics: How good the model is, or None if nobody measured.
        metrics_elsewhere: How good it is in places of other kinds.
        licence: SPDX identifier of the licence of the weights, or None if nobody said.
        git_commit: Commit of the code that made the file, or None.
    """

    model_config = ConfigDict(frozen=True)

    name: str = Field(min_length=1)
    version: str = Field(min_length=1)
    bands: tuple[str, ...] = BAND_NAMES
    normalisation: Normalisation = Normalisation()
    gsd_m: float = Field(default=DEFAULT_GSD_M, gt=0.0)
    classes: tuple[str, ...] = CLASS_KEYS
    thresholds: tuple[Threshold, ...] = (0.5,) * CLASS_COUNT
    tile: int = Field(default=512, gt=0, multiple_of=STRIDE)
    halo: int = Field(default=64, ge=0, multiple_of=STRIDE)
    precision: Literal["fp32", "int8"] = "fp32"
    training: dict[str, Any] = {}
    metrics: Metrics | None = None
    metrics_elsewhere: tuple[Metrics, ...] = ()
    licence: str | None = None
    git_commit: str | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.bands != BAND_NAMES:
            raise ValueError(f"it takes {len(self.bands)} bands ({', '.join(self.bands)}), not WorldView-3's eight")
        if self.normalisation.clip != CLIP:
            raise ValueError(f"its input is clipped to {self.normalisation.clip}; this software clips to {CLIP}")
        if self.classes != CLASS_KEYS:
            raise ValueError(f"it finds other classes ({', '.join(self.classes)}) than {', '.join(CLASS_KEYS)}")
        if len(self.thresholds) != CLASS_COUNT:
            raise ValueError(f"it has {len(self.thresholds)} thresholds for {CLASS_COUNT} classes")
        if 2 * self.halo >= self.tile:
            raise ValueError(f"its halo of {self.halo} pixels leaves nothing of a tile of {self.tile}")
        return self

    def another_form(self, measured_with: str, **changes: object) -> Self:
        """The contract of another form of the model, whose figures say that they are not of this form.

        Args:
            measured_with: The form that was measured, in words.
            changes: Other fields that differ.
        """
        measured = None if self.metrics is None else self.metrics.said_of(measured_with)
        elsewhere = tuple(metrics.said_of(measured_with) for metrics in self.metrics_elsewhere)
        return self.model_copy(update={"metrics": measured, "metrics_elsewhere": elsewhere, **changes})

    def to_json(self) -> str:
        """The contract as one line of JSON."""
        return self.model_dump_json()

    @classmethod
    def from_json(cls, text: str, source: str) -> Self:
        """Read a contract.

        Args:
            text: JSON.
            source: What it was read from, for the error message.

        Raises:
            ModelError: The text is not a contract, or not one that this software can fulfil.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            reason = first["msg"].removeprefix("Value error, ")
            raise ModelError(
                f"The contract in the model file {source} does not hold: {where + ': ' if where else ''}{reason}."
            ) from None
