"""The JSON documents of the API, for the OpenAPI document: what comes in and what goes out."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from suelo.api import examples
from suelo.api.parameters import ID_PATTERN
from suelo.imagery.georeference import MAX_GSD_M, MIN_GSD_M
from suelo.imagery.layout import BANDS
from suelo.landcover import CLASS_COUNT
from suelo.model.contract import ModelContract

Id = Annotated[str, Field(pattern=ID_PATTERN)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Share = Annotated[float, Field(ge=0, le=1)]
Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Address = Annotated[str, Field(description="Address on this server.", json_schema_extra={"format": "uri-reference"})]
PerBand = Annotated[list[float], Field(min_length=BANDS, max_length=BANDS)]
PerClass = Annotated[list[float], Field(min_length=CLASS_COUNT, max_length=CLASS_COUNT)]
ABSENT: Any = None
"""Default of members that may be missing."""


def _shown(*shown: examples.Example) -> ConfigDict:
    """Configuration of a document with examples."""
    return ConfigDict(json_schema_extra={"examples": list(shown)})


class Document(BaseModel):
    """A document with exactly these members."""

    model_config = ConfigDict(extra="forbid")


class Problem(Document):
    """Why a request was not carried out (RFC 9457)."""

    model_config = _shown(examples.PROBLEM)

    type: str = Field(description="Kind of problem; `about:blank` where the status says it all.")
    title: str = Field(description="The kind in a sentence.")
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="What was found, and what is needed.")
    instance: str = Field(description="Address that was asked.")
    request_id: str = Field(description="Number of the request, as in the header `X-Request-Id` and in the log.")


class Statistics(BaseModel):
    """Band statistics that normalise an image."""

    low: PerBand = Field(description="Value that becomes 0, per band.")
    high: PerBand = Field(description="Value that becomes 1, per band.")
    low_percentile: float = Field(ge=0, le=100)
    high_percentile: float = Field(ge=0, le=100)
    valid_fraction: Share = Field(description="Share of pixels with data.")


class Options(Document):
    """What a job is told besides its image."""

    gsd_m: float = Field(
        default=ABSENT, ge=MIN_GSD_M, le=MAX_GSD_M, description="Metres per pixel of an image without a CRS."
    )
    statistics: Statistics = Field(default=ABSENT, description="Band statistics in place of the image's own.")


class NewUpload(BaseModel):
    """Asks for room for an image."""

    model_config = _shown(examples.NEW_UPLOAD)

    name: str = Field(default="image.tif", description="File name.")
    size: Annotated[int, Field(ge=1)] | None = Field(default=ABSENT, description="Bytes that will come.")
    sha256: Sha256 | None = Field(
        default=ABSENT,
        description="Their SHA-256; other bytes are refused. Needed above 100 MB if the image goes straight to S3.",
    )


class UploadRoom(Document):
    """Room for an image, and where to send it."""

    model_config = _shown(examples.UPLOAD_ROOM)

    id: Id
    name: str
    method: Literal["PUT"]
    url: str = Field(
        description="Where to send the bytes, with this method: a whole address, of this server or of S3.",
        json_schema_extra={"format": "uri"},
    )


class Upload(Document):
    """An image that has arrived."""

    model_config = _shown(examples.UPLOAD)

    id: Id
    name: str
    size: int
    sha256: Sha256


class NewJob(BaseModel):
    """Asks for a job of an upload."""

    model_config = _shown(examples.NEW_JOB)

    upload: str = Field(description="Id of an upload that has arrived.")
    options: Options | None = Field(default=ABSENT)


class ClassNumbers(Document):
    """The objects of one class in numbers."""

    model_config = _shown(examples.CLASS_NUMBERS)

    class_id: int = Field(ge=1, le=CLASS_COUNT)
    key: str
    name: str
    threshold: Share
    polygons: int = Field(ge=0, description="Number of objects.")
    area_m2: float = Field(ge=0)
    area_share: Share = Field(description="Share of the ground that has data; classes overlap.")
    mean_probability: Share | None


class Image(Document):
    """The image of a job."""

    width: int
    height: int
    gsd_m: float = Field(description="Metres per pixel.")
    crs: str | None = Field(description="Coordinate reference system as `EPSG:…` or WKT.")
    georeferenced: bool
    sha256: Sha256
    bytes: int


class ModelOfJob(Document):
    """The model of a job."""

    name: str
    sha256: Sha256
    thresholds: PerClass


class Job(Document):
    """A segmentation that is remembered."""

    model_config = _shown(examples.RUNNING_JOB, examples.JOB)

    id: Id
    url: Address
    name: str
    status: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    progress: Share
    stage: str = Field(description="What is being done, in a word.")
    message: str = Field(description="Why it failed or was cancelled.")
    cancel_requested: bool
    mine: bool = Field(description="True if you may cancel and delete it.")
    shared: bool = Field(description="True for the sample, which is in everybody's list.")
    created_at: Moment
    started_at: Moment | None
    finished_at: Moment | None
    image: Image
    model: ModelOfJob
    options: Options
    normalisation: Statistics | None = Field(description="Band statistics; null until they are measured.")
    map: Address = Field(default=ABSENT, description="Once it has succeeded: how to show it on a map.")
    files: dict[str, Address] = Field(default=ABSENT, description="Once it has succeeded: its files.")
    statistics: list[ClassNumbers] = Field(
        default=ABSENT, description="Numbers per class for the selection, if files are there."
    )


class JobList(Document):
    """A page of the list of jobs, newest first."""

    model_config = _shown(examples.JOB_LIST)

    jobs: list[Job]
    next: Address | None = Field(description="The next page.")


class Record(Document):
    """A row of the data frame: one class of one image."""

    model_config = _shown(examples.RECORD)

    image: str
    class_: int = Field(alias="class", ge=1, le=CLASS_COUNT)
    poly: int = Field(ge=0, description="Number of polygons.")
    Multi: str = Field(description="Their outline as WKT, in the image's coordinates.")
    name: str
    area_m2: float = Field(ge=0)


class Segmentation(Document):
    """A chip's land cover."""

    model_config = _shown(examples.SEGMENTATION)

    job: Job
    statistics: list[ClassNumbers]
    dataframe: list[Record] = Field(description="One record per class that is shown.")


class FeatureCollection(BaseModel):
    """Polygons in longitude and latitude (RFC 7946), or in pixels where the image has no CRS."""

    model_config = _shown(examples.FEATURE_COLLECTION)

    type: Literal["FeatureCollection"]
    features: list[dict[str, Any]]


class Event(Document):
    """Something that happened to a job."""

    model_config = _shown(examples.EVENT)

    moment: Moment
    kind: str
    detail: str


class EventList(Document):
    """The log of a job, oldest first."""

    model_config = _shown(examples.EVENT_LIST)

    events: list[Event]


class Tiles(Document):
    """Addresses of map tiles, with {z}, {x} and {y} to be filled in."""

    classes: str
    true_colour: str = Field(alias="true-colour")
    near_infrared: str = Field(alias="near-infrared")
    ndvi: str


class Map(Document):
    """How to show a result on a map."""

    model_config = _shown(examples.MAP)

    georeferenced: bool
    crs: Literal["EPSG:3857", "Simple"] = Field(description="`Simple`: the pixels themselves, row with a minus sign.")
    bounds: list[list[float]] = Field(description="[[south, west], [north, east]]")
    min_zoom: int
    native_zoom: int
    max_native_zoom: int
    max_zoom: int
    tile_size: int
    metres_per_unit: float | None
    tiles: Tiles


class PointClass(Document):
    """One class at a point."""

    key: str
    name: str
    probability: Share
    shown: bool = Field(description="True if the point lies in an object of the class that is shown.")


class Point(Document):
    """The classes at a point of the map."""

    model_config = _shown(examples.POINT)

    row: int
    col: int
    valid: bool = Field(description="False where the image has no data.")
    classes: list[PointClass]


class ClassOfModel(Document):
    """One of the ten classes."""

    id: int
    key: str
    name: str
    name_es: str
    corine: str | None = Field(description="CORINE land cover code of the Colombian legend.")
    colour: str = Field(pattern="^#[0-9a-f]{6}$")
    counted: bool = Field(description="True if it is counted as objects, false if its area matters first.")
    threshold: Share
    min_area_m2: float


class Model(Document):
    """The model that segments here."""

    model_config = _shown(examples.MODEL)

    sha256: Sha256
    contract: ModelContract
    classes: list[ClassOfModel]


class OpenApi(BaseModel):
    """An OpenAPI document."""

    model_config = _shown(examples.OPENAPI)

    openapi: str
    paths: dict[str, Any]


class Health(Document):
    """That the server is well."""

    model_config = _shown(examples.HEALTH)

    status: Literal["ok"]


DOCUMENTS: tuple[type[BaseModel], ...] = (
    Problem,
    NewUpload,
    UploadRoom,
    Upload,
    NewJob,
    Job,
    JobList,
    Segmentation,
    FeatureCollection,
    EventList,
    Map,
    Point,
    Model,
    Health,
    OpenApi,
)
"""Documents that routes take or give; those inside them follow."""
