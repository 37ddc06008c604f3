"""Tests of the plan of districts, lines and rivers."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from suelo.simulation.layout import PITCH_M, STYLES, Layout


@pytest.mark.parametrize("seed", [1, 22])
def test_lines_run_on_without_a_kink_from_node_to_node(seed: int) -> None:
    layout = Layout(seed, "mixed")
    for axis, step in ((0, (1, 0)), (1, (0, 1))):
        for i in range(-3, 3):
            here = layout.path(i, 2, axis)
            ahead = layout.path(i + step[0], 2 + step[1], axis)
            np.testing.assert_allclose(here[-1], ahead[0])
            leaving, entering = here[-1] - here[-2], ahead[1] - ahead[0]
            cos = leaving @ entering / np.linalg.norm(leaving) / np.linalg.norm(entering)
            assert cos > np.cos(np.radians(12))


def test_districts_tile_the_plane() -> None:
    layout = Layout(5, "mixed")
    outlines = [layout.outline(i, j) for i in range(4) for j in range(4)]
    assert all(outline.is_valid for outline in outlines)
    together = shapely.union_all(outlines)
    assert together.area == pytest.approx(sum(outline.area for outline in outlines), rel=1e-6)
    assert together.area == pytest.approx(16 * PITCH_M**2, rel=0.25)


@pytest.mark.parametrize("style", sorted(STYLES))
def test_nine_neighbouring_districts_share_out_the_style(style: str) -> None:
    layout = Layout(3, style)
    decks = {tuple(sorted(deck.split())) for deck in STYLES[style]}
    found = set()
    for i in range(-12, 12, 3):
        for j in range(-12, 12, 3):
            kinds = [layout.district(i + di, j + dj) for di in range(3) for dj in range(3)]
            found.add(tuple(sorted(kinds)))
    assert found == decks


def test_the_pieces_of_a_river_join() -> None:
    layout = Layout(9, "mixed")
    for k in (-1, 0, 1):
        pieces = [shapely.Polygon(layout.river(k, n).ring()) for n in range(-2, 3)]
        assert all(piece.is_valid for piece in pieces)
        river = shapely.union_all(pieces)
        assert river.geom_type == "Polygon"
        assert river.area == pytest.approx(sum(piece.area for piece in pieces), rel=1e-6)


def test_cells_and_river_pieces_of_a_box_are_found_wherever_it_lies() -> None:
    layout = Layout(12, "mixed")
    box = np.array([-700.0, 300.0, -300.0, 900.0])
    frame = shapely.box(*box)
    cells = set(layout.cells(box))
    every = [(i, j) for i in range(-14, 14) for j in range(-14, 14)]
    assert {cell for cell in every if layout.outline(*cell).intersects(frame)} <= cells
    pieces = set(layout.river_pieces(box))
    touching = {
        (k, n)
        for k in range(-4, 4)
        for n in range(-9, 9)
        if shapely.Polygon(layout.river(k, n).ring()).intersects(frame)
    }
    assert touching <= pieces
