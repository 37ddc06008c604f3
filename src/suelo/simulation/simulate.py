"""Made-up scenes in memory: image, truth and objects of one seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from suelo.errors import InputError
from suelo.imagery.grid import DEFAULT_GSD_M
from suelo.simulation.layout import STYLES
from suelo.simulation.noise import generator
from suelo.simulation.render import Renderer
from suelo.simulation.world import World


@dataclass(frozen=True)
class SimulatedChip:
    """A made-up scene in memory.

    Attributes:
        image: Numbers, uint16 (8, h, w), 1 to 2047, in WorldView-3's band order.
        truth: bool (10, h, w); a pixel belongs to a class where its centre is inside one of the class's objects.
        objects: Class id and outline of every object, in pixels (x to the right, y down), cut at the scene's edges.
        style: What the scene is made of, a key of `STYLES`.
    """

    image: NDArray[np.uint16]
    truth: NDArray[np.bool_]
    objects: list[tuple[int, shapely.Geometry]]
    style: str


def choose_style(seed: int, height: int, width: int, style: str | None) -> str:
    """The style asked for, or one drawn by seed: large scenes are mixed, small ones favour one kind of land.

    Raises:
        InputError: There is no such style.
    """
    if style is not None:
        if style not in STYLES:
            raise InputError(f"There is no style {style!r}; the styles are {', '.join(STYLES)}.")
        return style
    names = list(STYLES)
    if min(height, width) >= 700:
        return names[int(generator(seed, 5).integers(2))]
    return names[int(generator(seed, 5).integers(len(names)))]


def simulate_array(
    height: int,
    width: int,
    seed: int,
    *,
    gsd_m: float = DEFAULT_GSD_M,
    style: str | None = None,
    with_objects: bool = True,
) -> SimulatedChip:
    """Make a scene in memory.

    Args:
        height: Rows.
        width: Columns.
        seed: The same seed gives the same scene to the last bit.
        gsd_m: Ground sampling distance in metres.
        style: A key of `STYLES`; drawn by seed if None.
        with_objects: False leaves the list of objects empty, which is quicker.

    Raises:
        InputError: A size, seed or style is impossible.
    """
    check_request(height, width, seed, gsd_m)
    style = choose_style(seed, height, width, style)
    renderer = Renderer(World(seed, style, gsd_m))
    return SimulatedChip(
        image=renderer.image(0, 0, height, width),
        truth=renderer.truth(0, 0, height, width),
        objects=renderer.objects(height, width) if with_objects else [],
        style=style,
    )


def check_request(height: int, width: int, seed: int, gsd_m: float) -> None:
    """Refuse impossible requests.

    Raises:
        InputError: A size, seed or ground sampling distance is impossible.
    """
    if min(height, width) < 16:
        raise InputError(f"A scene has at least 16 rows and columns; {height} × {width} was asked for.")
    if seed < 0:
        raise InputError(f"A seed is 0 or more; {seed} is not.")
    if not 0.2 <= gsd_m <= 10.0:
        raise InputError(f"The ground sampling distance is 0.2 to 10 m here; {gsd_m:g} m was asked for.")
