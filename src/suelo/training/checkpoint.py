"""What a training keeps on disk: its checkpoint and its log."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import torch

from suelo.errors import InputError
from suelo.training.dstl import place_of


class Checkpoint:
    """One file with the state of a training, replaced as a whole, never half-written."""

    def __init__(self, path: Path, identity: str, images: Sequence[str] = ()) -> None:
        """Name the file.

        Args:
            path: The file.
            identity: What the training is, as text.
            images: Names of the labelled images that its weights have learned from.
        """
        self._path = path
        self._identity = identity
        self._images = list(images)

    def save(self, state: dict[str, object]) -> None:
        """Replace the file by this state."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            torch.save({"identity": self._identity, "images": self._images, "state": state}, temporary)
            temporary.replace(self._path)
        finally:
            temporary.unlink(missing_ok=True)

    def load(self, device: torch.device) -> dict[str, object] | None:
        """The state, or None if there is none yet.

        Raises:
            InputError: The file is of another training, or damaged.
        """
        if not self._path.is_file():
            return None
        try:
            content = torch.load(self._path, map_location=device, weights_only=True)
            identity, state = content["identity"], content["state"]
        except Exception as error:  # torch raises many kinds for a damaged file
            raise InputError(f"The checkpoint {self._path} cannot be read: {type(error).__name__}.") from None
        if identity != self._identity:
            raise InputError(
                f"The folder {self._path.parent} holds a training with other options; choose another folder or "
                "delete it to start anew."
            )
        found: dict[str, object] = state
        return found


def first_weights(work: Path) -> dict[str, torch.Tensor]:
    """The averaged weights at the end of the training in a work folder, to start another one from.

    Raises:
        InputError: The folder holds no training, or a damaged one.
    """
    weights: dict[str, torch.Tensor] = _open(work)["state"]["average"]
    return weights


def first_identity(work: Path) -> dict[str, Any]:
    """What the training in a work folder was, as JSON-ready values.

    Raises:
        InputError: The folder holds no training, or a damaged one.
    """
    identity: dict[str, Any] = json.loads(_open(work)["identity"])
    return identity


def first_images(work: Path) -> tuple[str, ...]:
    """Names of the labelled images that the weights in a work folder have learned from, in this training or before.

    Raises:
        InputError: The folder holds no training, or a damaged one.
    """
    return tuple(_open(work)["images"])


def digest(work: Path) -> str:
    """A hash of the averaged weights in a work folder, hexadecimal.

    Raises:
        InputError: The folder holds no training, or a damaged one.
    """
    found = hashlib.sha256()
    for name, weights in sorted(first_weights(work).items()):
        found.update(name.encode())
        found.update(weights.contiguous().numpy().tobytes())
    return found.hexdigest()


def check_unseen(seen: Iterable[str], hold_out: Collection[str], what: str) -> None:
    """Refuse what has learned from the ground of scenes that a training must not see.

    Args:
        seen: Names of the labelled images that it learned from.
        hold_out: Names of the scenes that are held out.
        what: What it is, to begin a sentence with.

    Raises:
        InputError: It saw some of them, or their ground.
    """
    places = {place_of(name) for name in hold_out}
    both = sorted(name for name in seen if place_of(name) in places)
    if both:
        raise InputError(
            f"{what} has learned from {', '.join(both)}, whose ground is held out here; "
            "choose one that saw other labelled images, or none."
        )


def _open(work: Path) -> dict[str, Any]:
    path = work / "checkpoint.pt"
    if not path.is_file():
        raise InputError(f"{work} holds no checkpoint.pt of a training to start from.")
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        content["identity"], content["images"], content["state"]["average"]
    except Exception as error:  # torch raises many kinds for a damaged file
        raise InputError(f"The checkpoint {path} cannot be read: {type(error).__name__}.") from None
    return content


class Log:
    """A CSV file with one row per validation; an empty cell is a number that was not measured."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        """Name the file and its columns; the first is the step."""
        self._path = path
        self._columns = list(columns)

    def keep_until(self, step: int) -> None:
        """Drop the rows after a step, which a resumed training will write again; write the header if it is new."""
        rows = []
        if self._path.is_file():
            with self._path.open(newline="") as file:
                rows = [row for row in list(csv.reader(file))[1:] if int(row[0]) <= step]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("w", newline="") as file:
            csv.writer(file).writerows([self._columns, *rows])

    def last_step(self) -> int:
        """The step of the last row; 0 if there is none."""
        if not self._path.is_file():
            return 0
        with self._path.open(newline="") as file:
            return max((int(row[0]) for row in list(csv.reader(file))[1:]), default=0)

    def add(self, row: Sequence[float | None]) -> None:
        """Add one row."""
        with self._path.open("a", newline="") as file:
            csv.writer(file).writerow(["" if value is None else f"{value:.6g}" for value in row])
