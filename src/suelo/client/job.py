"""A job of a server, and its results as data frames and files."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from suelo.client.connection import Connection
from suelo.client.query import Show, class_keys
from suelo.errors import CancelledError, InputError, SueloError, UnavailableError
from suelo.progress import progress_bar

if TYPE_CHECKING:
    import geopandas  # type: ignore[import-untyped]
    import pandas  # type: ignore[import-untyped]

_UNFINISHED = {"queued", "running"}
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 2.0


class RemoteJob:
    """A segmentation on a server. Its attributes are as they were when it was last looked at.

    Attributes:
        document: All that the server says of it.
    """

    def __init__(self, connection: Connection, document: dict[str, Any]) -> None:
        """Use `Client.submit` or `Client.job`."""
        self._connection = connection
        self.document = document

    def __repr__(self) -> str:
        """Name, state and id."""
        return f"<{self.name}: {self.status}, job {self.id}>"

    @property
    def id(self) -> str:
        """Who knows it may look at the result."""
        return str(self.document["id"])

    @property
    def name(self) -> str:
        """Name of the image, without folder and suffix."""
        return str(self.document["name"])

    @property
    def status(self) -> str:
        """queued, running, succeeded, failed or cancelled."""
        return str(self.document["status"])

    @property
    def finished(self) -> bool:
        """True if its state will not change any more."""
        return self.status not in _UNFINISHED

    @property
    def progress(self) -> float:
        """0 to 1."""
        return float(self.document["progress"])

    @property
    def message(self) -> str:
        """Why it failed or was cancelled, in one sentence; empty otherwise."""
        return str(self.document["message"])

    @property
    def created_at(self) -> datetime:
        """When it was asked for."""
        return datetime.fromisoformat(self.document["created_at"])

    @property
    def page(self) -> str:
        """Address of the result for people: the map with its switches."""
        return self._connection.address(f"/results/{self.id}")

    def refresh(self) -> Self:
        """Look at the job again.

        Raises:
            NotFoundError: It was deleted.
        """
        self.document = self._connection.json("GET", self._path)
        return self

    def wait(self, timeout_s: float | None = None, *, progress: bool = True) -> Self:
        """Wait for the result.

        Args:
            timeout_s: Longest time; as long as it takes by default.
            progress: Show a progress bar where somebody watches.

        Raises:
            SueloError: The work failed; the message says why.
            CancelledError: Somebody cancelled it.
            UnavailableError: It is not done in time; it goes on.
        """
        end = None if timeout_s is None else time.monotonic() + timeout_s
        pause = _FIRST_PAUSE_S
        with progress_bar(self.name, hidden=not progress) as report:
            while not self.finished:
                if end is not None and time.monotonic() + pause > end:
                    raise UnavailableError(f"The job is still {self.status} after {timeout_s:g} s; wait longer.")
                time.sleep(pause)
                pause = min(1.5 * pause, _LONGEST_PAUSE_S)
                self.refresh()
                report(self.document["stage"] or self.status, self.progress, 1.0)
        if self.status == "failed":
            raise SueloError(self.message)
        if self.status == "cancelled":
            raise CancelledError(self.message)
        return self

    def cancel(self) -> Self:
        """Cancel the job: at once if it is queued, within a strip if it runs; a finished one stays as it is.

        Raises:
            NotAllowedError: It is somebody else's.
        """
        self._connection.json("POST", f"{self._path}/cancel")
        return self.refresh()

    def delete(self) -> None:
        """Delete the job and its results, once it is finished.

        Raises:
            InputError: It is not finished.
            NotAllowedError: It is somebody else's.
        """
        if not self.refresh().finished:
            raise InputError("The job is not finished; cancel it first.")
        self._connection.json("DELETE", self._path)

    def events(self) -> list[dict[str, Any]]:
        """What happened to the job, oldest first: `moment`, `kind` and `detail` of each event."""
        found: list[dict[str, Any]] = self._connection.json("GET", f"{self._path}/events")["events"]
        return found

    def classes(self, **show: Any) -> pandas.DataFrame:  # noqa: ANN401
        """Numbers of all ten classes, one row each.

        Args:
            show: What to show: `threshold`, `classes`, `min_area`, `simplify`, as in `polygons`.

        Returns:
            Columns `class_id`, `key`, `name`, `threshold`, `polygons`, `area_m2`, `area_share` and `mean_probability`.
        """
        import pandas

        return pandas.DataFrame(self._statistics(Show(**show)))

    def _statistics(self, show: Show) -> list[dict[str, Any]]:
        document = self._connection.json("GET", self._path + show.query())
        if "statistics" not in document:
            raise InputError(f"The job is {document['status']} and has no numbers; they come with its result.")
        rows: list[dict[str, Any]] = document["statistics"]
        return rows

    def polygons(
        self,
        *,
        threshold: float | Mapping[str, float] | None = None,
        classes: str | Iterable[str] | None = None,
        min_area: float | Mapping[str, float] | None = None,
        simplify: float | None = None,
    ) -> geopandas.GeoDataFrame:
        """The objects, one row each.

        Args:
            threshold: Probability from which a pixel belongs to a class, for all classes or per class by its key; the
                model's thresholds by default.
            classes: Keys of the classes, or the key of one; all by default.
            min_area: Smallest area of an object in m², for all classes or per class.
            simplify: Tolerance of the outlines in metres.

        Returns:
            Columns `class_id`, `class`, `name`, `name_es`, `corine`, `area_m2`, `mean_probability` and `geometry`, in
            the image's CRS; without a CRS in pixels, as GeoPackage files have them.
        """
        try:
            import geopandas
        except ModuleNotFoundError as error:
            raise InputError(f"polygons() needs {error.name!r}: pip install geopandas.") from None

        with tempfile.TemporaryDirectory(prefix="suelo-") as folder:
            show = {"threshold": threshold, "classes": classes, "min_area": min_area, "simplify": simplify}
            path = self.download("polygons.gpkg", Path(folder) / "polygons.gpkg", **show)
            return geopandas.read_file(path, layer="landcover")

    def dataframe(self, **show: Any) -> pandas.DataFrame:  # noqa: ANN401
        """One row per class, with all its outlines: what `POST /segment_tiff` answers.

        Args:
            show: What to show: `threshold`, `classes`, `min_area`, `simplify`, as in `polygons`.

        Returns:
            Columns `image`, `class` (its number), `poly` (count of polygons), `Multi` (their outlines as WKT), `name`
            and `area_m2`.
        """
        import pandas
        import shapely

        wanted = None if show.get("classes") is None else class_keys(show["classes"])
        show["classes"] = wanted
        found = self.polygons(**show)
        records = []
        for row in self._statistics(Show(**show)):
            if wanted is not None and row["key"] not in wanted:
                continue
            parts = found.geometry[found["class_id"] == row["class_id"]]
            outline = shapely.to_wkt(shapely.multipolygons(parts.to_numpy()), rounding_precision=9)
            records.append(
                {
                    "image": self.name,
                    "class": row["class_id"],
                    "poly": len(parts),
                    "Multi": outline,
                    "name": row["name"],
                    "area_m2": row["area_m2"],
                }
            )
        return pandas.DataFrame(records)

    def download(self, name: str, path: str | Path | None = None, **show: Any) -> Path:  # noqa: ANN401
        """Fetch a file of the result; it appears when it is whole.

        Args:
            name: One of `files`, such as "polygons.gpkg" or "probabilities.tif".
            path: Where to; the same name in the current folder by default. A folder gets it under its name.
            show: What to show: `threshold`, `classes`, `min_area`, `simplify`, as in `polygons`.

        Returns:
            Where it is.

        Raises:
            InputError: There is no such file.
        """
        target = Path(name if path is None else path)
        if target.is_dir():
            target /= name
        if name not in self.files:
            listed = ", ".join(self.files) or f"none, since it is {self.status}"
            raise InputError(f"The job has no file {name!r}; its files are {listed}.")
        self._connection.fetch(self.document["files"][name] + Show(**show).query(), target)
        return target

    @property
    def files(self) -> list[str]:
        """Names of the files of the result; none until there is a result."""
        return list(self.document.get("files", {}))

    @property
    def _path(self) -> str:
        return f"/v1/jobs/{self.id}"
