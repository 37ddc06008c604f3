"""`suelo train --check DIR`: what a folder of labelled images holds, as tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from suelo.errors import InputError
from suelo.progress import progress_bar

if TYPE_CHECKING:
    from rich.table import Table

    from suelo.training.check import FolderCheck, ImageCheck


def print_check(root: Path) -> None:
    """Print what is there, what is missing and how to get it.

    Raises:
        InputError: No training can run on this folder.
    """
    from rich.console import Console

    from suelo.training.check import HOW_TO_GET, check_folder

    # Lines of a report that goes into a file should not break at a width that nobody sees.
    console = Console(highlight=False, soft_wrap=True)
    try:
        with progress_bar("Looking") as report:
            found = check_folder(root, lambda done, total: report("", done, total))
    except InputError:
        console.print(f"{HOW_TO_GET}\n", markup=False)
        raise
    console.print(_images_table(found), "", _classes_table(found), "")
    console.print("\n".join(_summary(found)) + "\n", markup=False)
    obstacle = found.obstacle()
    if obstacle is not None or len(found.usable) < len(found.images):
        console.print(f"{HOW_TO_GET}\n", markup=False)
    if obstacle is not None:
        raise InputError(obstacle)
    console.print(f"A training can run: suelo train --data {root}", markup=False)


def _table(*columns: tuple[str, bool]) -> Table:
    """A table with a heading and whether it holds figures, per column."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading, figures in columns:
        table.add_column(heading, justify="right" if figures else "left", no_wrap=True)
    return table


def _images_table(found: FolderCheck) -> Table:
    table = _table(
        ("image", False),
        ("M image", True),
        ("A image", True),
        ("grid", False),
        ("trusted", True),
        ("A shift", True),
        ("classes", False),
    )
    for image in found.images:
        table.add_row(
            image.image_id,
            _size(image, "M"),
            _size(image, "A"),
            "yes" if image.grid_size else "[red]missing[/]",
            "–" if image.trusted is None else f"{100 * image.trusted:.0f} %",
            "–" if image.shift is None else f"{image.shift[0]:+.1f}, {image.shift[1]:+.1f}",
            _ranges(image.classes),
        )
    return table


def _ranges(numbers: tuple[int, ...]) -> str:
    """Sorted numbers, neighbours joined: 1–3 5."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return " ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)


def _size(image: ImageCheck, kind: str) -> str:
    for found, (height, width) in image.sizes.items():
        if found == kind:
            return f"{width}×{height}"
    told = image.problems if kind == "M" else image.remarks
    return "[red]unusable[/]" if told else "[yellow]missing[/]"


def _classes_table(found: FolderCheck) -> Table:
    from suelo.landcover import CLASSES

    table = _table(("class", True), ("", False), ("images", True), ("share of trusted area", True))
    for land_cover, share in zip(CLASSES, found.shares().tolist(), strict=True):
        images = sum(land_cover.id in image.classes for image in found.images if image.usable)
        table.add_row(
            str(land_cover.id), land_cover.name, str(images), f"{100 * share:.3f} %" if images else "[yellow]none[/]"
        )
    return table


def _summary(found: FolderCheck) -> list[str]:
    usable, swir = set(found.usable), [image for image in found.images if "A" in image.sizes]
    lines = [
        f"{len(usable)} of {len(found.images)} labelled images can be trained on; "
        f"{len(swir)} have short-wave infrared, {sum(image.shift is not None for image in swir)} of those with a shift."
    ]
    missing = [image.image_id for image in found.images if image.image_id not in usable and not image.problems]
    if missing:
        lines.append(f"Without an M image or a grid size: {', '.join(missing)}.")
    if found.unlabelled:
        lines.append(f"{found.unlabelled} images have no labels; they are not used.")
    if not any(image.trusted is not None for image in found.images):
        lines.append("There are no masks in reliable/: every pixel is trusted, as it should be with Kaggle's images.")
    for image in found.images:
        lines += [*image.problems, *image.remarks]
    return lines
