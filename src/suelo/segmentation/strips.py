"""A store of finished strips that processes and machines share: a folder, or a prefix in S3."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from suelo.errors import FullDiskError, InputError, SueloError, UnavailableError
from suelo.segmentation.atomic import naming, replacing
from suelo.segmentation.background import Background
from suelo.segmentation.keeping import KeptStrip

_SUFFIX = ".strip"
# Of an address with a fragment, a query or an escape, S3 would get something else than what stands there.
_S3_ADDRESS = re.compile(r"s3:/(/[^/#?%]+)+/?")
_RETRIES: Any = {"max_retries": 5, "retry_timeout": timedelta(seconds=60)}


class StripStore:
    """Finished strips of one scene: a `suelo.segmentation.keeping.Keeper` that outlives the process.

    A thread puts a strip away while the network is busy with the next one; leaving the context waits for it. A strip
    appears when it is whole.

    Attributes:
        address: Path of a folder, or `s3://bucket/prefix`; access to S3 is set by the `AWS_*` variables.
        kept: Numbers of the strips that were there when the store was opened for a fingerprint.
    """

    def __init__(self, address: str | os.PathLike[str], fingerprint: str = "") -> None:
        """Use a store; a folder is made with the first strip.

        Args:
            address: Where it is.
            fingerprint: Of the strips that are stored and loaded, unless `open` is called with it.

        Raises:
            InputError: The address is of another kind, or cannot be one.
        """
        self.address = os.fspath(address)
        self.kept: frozenset[int] = frozenset()
        self._place: _Folder | _Bucket = _place(self.address)
        self._fingerprint = fingerprint
        self._background = Background("suelo-strips")

    def open(self, fingerprint: str) -> Self:
        """Look for strips that were made in the way that a fingerprint stands for.

        Raises:
            UnavailableError: S3 cannot be reached.
        """
        self._fingerprint = fingerprint
        names = (name.removesuffix(_SUFFIX).split("-") for name in self._place.names() if name.endswith(_SUFFIX))
        self.kept = frozenset(int(index) for mark, index in names if mark == fingerprint)
        return self

    def load(self, index: int) -> KeptStrip:
        """A strip that is in the store.

        Raises:
            SueloError: It is not there any more, or it is damaged.
        """
        try:
            return KeptStrip.from_bytes(self._place.get(self._name(index)))
        except (FileNotFoundError, ValueError, EOFError):
            raise SueloError(
                f"Strip {index} of the scene is missing or damaged in {self.address}; start anew without --resume."
            ) from None

    def save(self, index: int, strip: KeptStrip) -> None:
        """Put a strip away, in the background.

        Raises:
            SueloError: The strip before could not be stored.
        """
        self._background.save(self._place.put, self._name(index), strip.to_bytes)

    @property
    def empty(self) -> bool:
        """True if nothing has been put into it."""
        return not self._place.names()

    def settle(self) -> None:
        """Wait until the last strip is stored.

        Raises:
            SueloError: It could not be stored.
        """
        self._background.settle()

    def put(self, name: str, content: bytes) -> None:
        """Store something else that belongs to the strips."""
        self._place.put(name, lambda: content)

    def get(self, name: str) -> bytes:
        """What `put` stored.

        Raises:
            FileNotFoundError: It is not there.
        """
        return self._place.get(name)

    def has(self, name: str) -> bool:
        """True if what `put` stored is there, and this machine sees it."""
        try:
            self._place.get(name)
        except FileNotFoundError:
            return False
        return True

    def clear(self) -> None:
        """Remove everything."""
        self.settle()
        self.kept = frozenset()
        self._place.clear()

    def __enter__(self) -> Self:
        """The store itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait until the last strip is stored."""
        try:
            self.settle()
        except SueloError as failure:
            # GDAL does not say why it could not write a raster; that there was no room, the strip beside it does.
            if error is None or (kind is SueloError and isinstance(failure, FullDiskError)):
                raise
        finally:
            self._background.close()

    def _name(self, index: int) -> str:
        return f"{self._fingerprint}-{index:05d}{_SUFFIX}"


def _place(address: str) -> _Folder | _Bucket:
    if address.startswith("s3://"):
        if _S3_ADDRESS.fullmatch(address) is None:
            raise InputError(
                f"Strips in S3 need an address like s3://bucket/prefix, without #, ? and %, not {address!r}."
            )
        return _Bucket(address)
    if "://" in address:
        raise InputError(f"Strips are kept in a folder or at s3://bucket/prefix; {address!r} is neither.")
    return _Folder(Path(address))


class _Folder:
    """Files in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        # An empty file is what a machine that lost its power may leave.
        files = self._folder.iterdir() if self._folder.is_dir() else ()
        return [path.name for path in files if path.is_file() and path.stat().st_size]

    def get(self, name: str) -> bytes:
        return (self._folder / name).read_bytes()

    def put(self, name: str, content: Callable[[], bytes]) -> None:
        path = self._folder / name
        with naming(path):
            self._folder.mkdir(parents=True, exist_ok=True)
        with replacing(path) as part:
            part.write_bytes(content())

    def clear(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


class _Bucket:
    """Objects below a prefix in S3."""

    def __init__(self, address: str) -> None:
        from obstore.store import from_url

        self._store = from_url(address, retry_config=_RETRIES)

    def names(self) -> list[str]:
        import obstore

        with _reaching():
            return [found["path"] for batch in obstore.list(self._store) for found in batch if found["size"]]

    def get(self, name: str) -> bytes:
        import obstore

        with _reaching():
            return bytes(obstore.get(self._store, name).bytes())

    def put(self, name: str, content: Callable[[], bytes]) -> None:
        import obstore

        with _reaching():
            obstore.put(self._store, name, content())

    def clear(self) -> None:
        import obstore

        with _reaching():
            for batch in obstore.list(self._store):
                obstore.delete(self._store, [found["path"] for found in batch])


@contextmanager
def _reaching() -> Iterator[None]:
    from obstore.exceptions import BaseError

    try:
        yield
    except FileNotFoundError:
        raise
    except BaseError as error:
        reason = str(error).strip().partition("\n")[0]
        raise UnavailableError(f"The store of strips cannot be reached: {reason[:200]}.") from error
