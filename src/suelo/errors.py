"""The errors of Suelo: one small hierarchy that every door translates in one place."""

from __future__ import annotations

import os


class SueloError(Exception):
    """Base of every error that Suelo raises on purpose.

    The message is one sentence for the person at the door: what was found and what is needed.

    Attributes:
        status: HTTP status code that the API and the page answer with.
        exit_code: Exit code of the command line.
    """

    status = 500
    exit_code = 1

    @property
    def outside(self) -> str:
        """What is said to who is not at the machine itself: nothing of its folders."""
        return str(self)


class InputError(SueloError):
    """What was given cannot be used: an image, an option, a statistics file."""

    status = 400
    exit_code = 2


class ImageError(InputError):
    """The image is not one that Suelo can segment."""

    status = 422


class ImageTooLargeError(InputError):
    """The image is larger than this door accepts."""

    status = 413


class ModelError(InputError):
    """The model file is missing, has no contract, or does not fit."""

    status = 500


class FullDiskError(SueloError):
    """A disk has no room left for what has to be written.

    Attributes:
        folder: Where it was to be written.
    """

    status = 507
    OUTSIDE = "There is no room left where results are kept; the operator needs to make some."

    def __init__(self, folder: str | os.PathLike[str], advice: str = "Suelo needs more room there") -> None:
        """Say where, and what to do about it; both are arguments, so that the error arrives from other processes."""
        super().__init__(os.fspath(folder), advice)
        self.folder = os.fspath(folder)

    def __str__(self) -> str:
        """Both, in a sentence."""
        return "The disk of {} is full; {}.".format(*self.args)

    @property
    def outside(self) -> str:
        """See `SueloError.outside`."""
        return self.OUTSIDE


class NotFoundError(SueloError):
    """There is no such job, upload or object."""

    status = 404
    exit_code = 2


class ConflictError(SueloError):
    """The request does not fit the state that the thing is in."""

    status = 409
    exit_code = 2


class KeyInUseError(ConflictError):
    """The request that a key stands for is being carried out; its answer can be had a little later."""


class CancelledError(SueloError):
    """The work was cancelled before it was done."""

    status = 409
    exit_code = 130


class KeyReusedError(InputError):
    """A key that stands for one request came with another."""

    status = 422


class NotSignedInError(SueloError):
    """The server asks who it is, and the answer is missing or wrong."""

    status = 401
    exit_code = 2


class NotAllowedError(SueloError):
    """The thing exists, but whoever asks may not do this with it."""

    status = 403
    exit_code = 2


class UnavailableError(SueloError):
    """The object store or the database cannot be reached now; the same request may work later."""

    status = 503
