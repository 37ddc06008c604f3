"""One image into its folder of results: files appear there when all are whole; finished strips outlive the process."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from suelo.errors import FullDiskError, ImageError, InputError, UnavailableError
from suelo.imagery.scene import Scene, open_scene
from suelo.imagery.statistics import BandStatistics
from suelo.model.session import Model
from suelo.segmentation.atomic import put_in_place, remove, replacing
from suelo.segmentation.claim import Claim
from suelo.segmentation.engine import Cancelled, OpenKeeper, ProgressCallback, predict_to_file
from suelo.segmentation.exports import FILE_NAMES
from suelo.segmentation.origin import Origin
from suelo.segmentation.profile import Profile
from suelo.segmentation.raster import is_complete
from suelo.segmentation.result import crs_text, describe_selection
from suelo.segmentation.segment import PROBABILITIES, Segmentation, image_sha256
from suelo.segmentation.selection import Selection
from suelo.segmentation.strips import StripStore

UNFINISHED = ".unfinished"
"""In the folder of a result, the folder of all that is made for it until it is whole."""

RESULT = "result.json"

_RECORD = "run.json"
_MOVING = "moving"
_STRIPS = "strips"

Measure = Callable[[Scene], BandStatistics]


class Run:
    """The way of one image into its folder of results. A context manager, which closes the image.

    Everything is made in the folder `.unfinished` in the folder of the result, and moved when all of it is whole. Until
    then that folder also has the finished strips, unless they are kept elsewhere, and a record of what they were made
    from.

    Attributes:
        folder: Where the result goes.
        source: The image.
        scene: The same, open.
        model: The network.
        statistics: What normalises the image.
        strips: Its finished strips.
        predicted: Where the probabilities are, if an earlier run made them.
    """

    def __init__(
        self,
        source: str,
        folder: Path,
        model: Model,
        *,
        statistics: BandStatistics | None = None,
        gsd_m: float | None = None,
        resume: bool = False,
        store: str = "",
        measure: Measure | None = None,
        profile: Profile | None = None,
    ) -> None:
        """Open an image, and find out what an earlier run left of it.

        Args:
            source: Path or address of the image.
            folder: Folder for the result; it is made where it is not there.
            model: The network.
            statistics: Normalise the image like another scene; measured by default.
            gsd_m: Ground sampling distance in metres of an image without CRS.
            resume: Go on with what an interrupted run left there, and take over the probabilities of a complete one.
                Otherwise what is unfinished there is removed.
            store: Keep the strips below this folder or `s3://` address, which workers share.
            measure: Measures the statistics, where somebody else should do that.
            profile: Told where the time goes.

        Raises:
            ImageError: The image cannot be used.
            InputError: What is there was made from another image, by another model, or with other options; or the
                folder cannot be made; or another process is at work there.
        """
        self.folder = folder
        self.source = source
        self.model = model
        self._work = folder / UNFINISHED
        self._profile = profile or Profile()
        self._claim = Claim(folder)
        self.scene = open_scene(source, gsd_m=gsd_m)
        try:
            self._claim.take()
            self._sha256 = image_sha256(source)
            if (self._work / _MOVING).exists():
                self._move()
            earlier = self._earlier() if resume else None
            self._measured = statistics is None
            if earlier is not None:
                self._require_same(earlier)
            # The hash says that an image in a file is the same; others have to be looked at again.
            known = earlier.statistics if earlier is not None and self._sha256 is not None else None
            self.statistics = statistics or known or (measure or self._measure)(self.scene)
            if earlier is not None and earlier.statistics != self.statistics:
                raise self._differs("with other statistics")
            self.strips, self.predicted = self._begin(earlier is not None, store)
        except BaseException:
            self.scene.close()
            self._claim.release()
            raise

    def finish(
        self,
        selection: Selection,
        formats: Iterable[str],
        *,
        keeper: OpenKeeper | None = None,
        abandon: Callable[[], None] | None = None,
        progress: ProgressCallback | None = None,
        cancelled: Cancelled | None = None,
    ) -> Segmentation:
        """Make the probabilities, unless they are there, and the files.

        Args:
            selection: What is shown of the result.
            formats: What to write; see `Segmentation.write`.
            keeper: Where strips come from and go; `strips` by default.
            abandon: Called before all is removed, where somebody else puts strips away: nobody does afterwards.
            progress: Told how much is done, a few times per second.
            cancelled: Asked now and then; True stops the work.

        Raises:
            CancelledError: `cancelled` said so; what is finished stays.
            ImageError: The image is damaged; nothing stays.
            FullDiskError: There is no room for the strips or the files; what is finished stays.
        """
        try:
            if self.predicted is None:
                made = self._work / PROBABILITIES
                arguments = (self.scene, self.model, self.statistics, made, progress, cancelled)
                with self.strips:
                    predict_to_file(*arguments, keeper=keeper or self.strips.open, profile=self._profile)
                self.predicted = made
            self.strips.clear()
            result = self._result(selection)
            result.write(self._work, formats, progress, self._profile)
        except ImageError:
            if self._sha256 is not None:  # a file that is damaged stays so, whereas a network may come back
                if abandon is not None:
                    abandon()
                self._discard()
            raise
        except BaseException as error:
            if keeper is None and not (self._work / PROBABILITIES).exists() and self.strips.empty:
                self._discard()
            if isinstance(error, FullDiskError):
                # What lies in the folder of the result is Suelo's own affair.
                inside = Path(error.folder).is_relative_to(self.folder)
                folder = self.folder if inside else error.folder
                raise FullDiskError(folder, "free some room there, then go on with --resume") from error
            raise
        self._move(() if self._shows(selection) else FILE_NAMES.values())
        return result.moved(self.folder / PROBABILITIES, self.source)

    def complete(self, selection: Selection, formats: Iterable[str]) -> Segmentation | None:
        """The result, if all that is wanted of it is in the folder already."""
        if not self._shows(selection) or not all((self.folder / FILE_NAMES[f]).exists() for f in formats):
            return None
        self._discard()
        return replace(self._result(selection), source=self.source)

    def _shows(self, selection: Selection) -> bool:
        """Whether the folder has a result of the same image, made in the same way, that shows the same."""
        if self.predicted != self.folder / PROBABILITIES:
            return False
        shown = json.loads((self.folder / RESULT).read_text(encoding="utf-8"))["selection"]
        return bool(shown == describe_selection(selection))

    def _result(self, selection: Selection) -> Segmentation:
        assert self.predicted is not None
        return Segmentation(
            name=self.scene.name,
            grid=self.scene.grid,
            probabilities_path=self.predicted,
            statistics=self.statistics,
            selection=selection,
            contract=self.model.contract,
            model_sha256=self.model.sha256,
            image_sha256=self._sha256,
            source=self.scene,
            statistics_measured=self._measured,
        )

    def _discard(self) -> None:
        """Remove what is unfinished."""
        self.strips.clear()
        shutil.rmtree(self._work, ignore_errors=True)
        with suppress(OSError):
            self.folder.rmdir()  # only if it is empty

    def _measure(self, scene: Scene) -> BandStatistics:
        with self._profile.stage("statistics"):
            return self.model.contract.normalisation.measure(scene)

    def _earlier(self) -> Origin | None:
        """What an earlier run was about; None if there was none."""
        for path in (self._work / _RECORD, self.folder / RESULT):
            try:
                return Origin.from_json(json.loads(path.read_text(encoding="utf-8")))
            except (FileNotFoundError, NotADirectoryError):
                continue
            except (ValueError, KeyError, TypeError, InputError):
                raise InputError(
                    f"{path} is not a record of this version of Suelo; without --resume the result is made anew."
                ) from None
        return None

    def _require_same(self, earlier: Origin) -> None:
        grid = self.scene.grid
        if (earlier.image_sha256, earlier.shape) != (self._sha256, grid.shape):
            raise self._differs("from another image")
        if (earlier.crs, earlier.transform) != (crs_text(grid), grid.transform[:6]):
            raise self._differs("with another georeference of the image")
        if earlier.gsd_m != grid.gsd_m:
            raise self._differs(f"with a ground sampling distance of {earlier.gsd_m:g} m")
        if earlier.model_sha256 != self.model.sha256:
            raise self._differs("by another model")
        if earlier.measured != self._measured:
            raise self._differs("with other statistics")

    def _differs(self, how: str) -> InputError:
        return InputError(f"What is in {self.folder} was made {how}; without --resume it is made anew.")

    def _begin(self, resumed: bool, store: str) -> tuple[StripStore, Path | None]:
        """The strips, and where the probabilities are, if an earlier run made them."""
        record = self._work / _RECORD
        address = ""
        with suppress(OSError, ValueError, KeyError):
            address = json.loads(record.read_text(encoding="utf-8"))["strips"]
        if resumed and address:
            self._sweep()
            predicted = self._work / PROBABILITIES
            return StripStore(address), predicted if is_complete(predicted) else None
        if address:
            # In S3 they would stay for ever; but a store that is gone holds up nobody.
            with suppress(InputError, UnavailableError):
                StripStore(address).clear()
        strips = StripStore(self._place(store))
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._claim.take()
            shutil.rmtree(self._work, ignore_errors=True)
            self._work.mkdir(exist_ok=True)
        except OSError as error:
            raise InputError(f"The folder {self.folder} cannot be made: {error.strerror}.") from None
        document = json.dumps({**self._origin().to_json(), "strips": strips.address})
        with replacing(record) as part:
            part.write_text(document, encoding="utf-8")
        predicted = self.folder / PROBABILITIES
        if not resumed or not is_complete(predicted):
            return strips, None
        with suppress(OSError):
            os.link(predicted, self._work / PROBABILITIES)  # saves a copy
        return strips, predicted

    def _place(self, store: str) -> str:
        """Where the strips of this run go."""
        if not store:
            return str((self._work / _STRIPS).absolute())
        # The token makes it this run's own place; the rest is for people, and nothing that means more in an address.
        name = f"{re.sub(r'[^A-Za-z0-9._-]', '_', self.scene.name)[:40]}-{secrets.token_hex(8)}"
        # Workers and later runs may have another working directory.
        return f"{store.rstrip('/')}/{name}" if "://" in store else str((Path(store) / name).absolute())

    def _origin(self) -> Origin:
        grid = self.scene.grid
        return Origin(
            self._sha256,
            grid.shape,
            crs_text(grid),
            grid.transform[:6],
            grid.gsd_m,
            self.model.sha256,
            self.statistics,
            self._measured,
        )

    def _sweep(self) -> None:
        """Remove what a process that was killed was writing."""
        for path in self._work.iterdir():
            if path.name not in {_RECORD, PROBABILITIES, _STRIPS}:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _move(self, stale: Iterable[str] = ()) -> None:
        """Give the files their places; a run that is killed meanwhile leaves it to the next one.

        Args:
            stale: Names of files in the folder of the result that go, those left out that get a new one.
        """
        moving = self._work / _MOVING
        if not moving.exists():
            stale = set(stale).difference(path.name for path in self._work.iterdir())
            with replacing(moving) as part:
                part.write_text(json.dumps(sorted(stale)), encoding="utf-8")
        (self._work / _RECORD).unlink(missing_ok=True)
        for name in json.loads(moving.read_text(encoding="utf-8") or "[]"):  # other versions left it empty
            remove(self.folder / name)
        for path in sorted(self._work.iterdir(), key=lambda path: path.name == RESULT):
            if path.name not in {_MOVING, _STRIPS}:
                put_in_place(path, self.folder / path.name)
        shutil.rmtree(self._work)

    def close(self) -> None:
        """Close the image, and let others at the folder."""
        self.scene.close()
        self._claim.release()

    def __enter__(self) -> Self:
        """The run itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the image."""
        self.close()
