"""Files that appear under their name only when they are whole."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from suelo.errors import FullDiskError, SueloError
from suelo.imagery.gdal import GDAL_ERRORS
from suelo.imagery.room import is_full


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A path of the same name in a hidden folder beside `path`; after the block the file takes its place.

    After an error nothing is left, and what was at `path` before is still there.

    Raises:
        SueloError: The folder or the disk does not take the file.
    """
    final = Path(path)
    with (
        naming(final),
        tempfile.TemporaryDirectory(dir=final.parent, prefix=f".{final.name}.") as folder,
    ):
        part = Path(folder) / final.name
        with naming(final):  # while what it takes up is there: a full disk is not full afterwards
            yield part
            put_in_place(part, final)


def put_in_place(part: Path, final: Path) -> None:
    """Rename a whole file, over what is there.

    SQLite would play back into a new GeoPackage what it has noted beside the old one: for QGIS, which has it open, or
    for a program that was killed. So the notes go with it.

    Raises:
        OSError: The folder does not take it.
    """
    _remove_notes(final)
    part.replace(final)


def remove(path: Path) -> None:
    """Remove a file that may be there, and what SQLite has noted beside it.

    Raises:
        OSError: The folder does not let go of it.
    """
    path.unlink(missing_ok=True)
    _remove_notes(path)


def _remove_notes(path: Path) -> None:
    if path.suffix == ".gpkg":
        for ending in ("-wal", "-shm", "-journal"):
            path.with_name(path.name + ending).unlink(missing_ok=True)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under a hidden name beside `path`, which then takes its place; for bytes quicker than `replacing`.

    Raises:
        SueloError: The folder or the disk does not take the file.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with naming(path):
        try:
            part.write_bytes(content)
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Say which file it is that the folder or the disk does not take.

    Raises:
        FullDiskError: The disk is full.
        SueloError: They do not, for another reason.
    """
    try:
        yield
    except (OSError, *GDAL_ERRORS) as error:
        raise _failure(path, error) from error
    except RuntimeError as error:
        if type(error).__module__.partition(".")[0] != "pyogrio":
            raise
        raise _failure(path, error) from error


def _failure(path: Path, error: Exception) -> SueloError:
    if is_full(path.parent, error):
        return FullDiskError(path.parent)
    reason = getattr(error, "strerror", None) or "the disk or the folder does not take it"
    return SueloError(f"The file {path.name} cannot be written: {reason}.")
