"""What every picture of a training needs."""

from __future__ import annotations

from suelo.errors import InputError


def require_matplotlib(what: str) -> None:
    """Say early what is missing.

    Args:
        what: What needs it, as the start of a sentence.

    Raises:
        InputError: matplotlib is not installed.
    """
    try:
        import matplotlib as _  # noqa: F401
    except ModuleNotFoundError:
        raise InputError(
            f"{what} needs the package matplotlib, which is not installed; "
            "in Suelo's source folder: pip install '.[train]'."
        ) from None
