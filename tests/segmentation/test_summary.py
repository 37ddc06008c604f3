"""Counts and areas: those of the polygons, of the pixels, and of the valid ground."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS

from suelo.errors import InputError
from suelo.imagery.geotiff import write_cog
from suelo.imagery.grid import Grid
from suelo.landcover import CLASS_KEYS, CLASSES
from suelo.segmentation import polygons, raster
from suelo.segmentation.polygons import polygonise
from suelo.segmentation.raster import ArrayProbabilities
from suelo.segmentation.selection import Selection
from suelo.segmentation.summary import summarise, summarise_class, valid_area_m2

EVERYTHING = Selection((0.5,) * 10, min_area_m2=(0.0,) * 10)
DEGREES = Affine(1e-5, 0, 2.3, 0, -1e-5, 60.0)


@pytest.mark.parametrize("strip_pixels", [1 << 22, 1])
@pytest.mark.parametrize("smallest_m2", [0.0, 6.0, 10.8])
@pytest.mark.parametrize("where", [{}, {"transform": DEGREES, "epsg": 4326}, {"epsg": None}])
def test_the_summary_says_what_the_polygons_are(make_noise, monkeypatch, strip_pixels, smallest_m2, where):
    monkeypatch.setattr(raster, "STRIP_PIXELS", strip_pixels)
    monkeypatch.setattr(polygons, "TOGETHER_PIXELS", 0)
    probabilities = make_noise(1100, 40, share=0.7, **where)
    selection = Selection(tuple(np.linspace(0.5, 0.6, 10)), min_area_m2=(smallest_m2,) * 10)
    count, area, weighted = (dict.fromkeys(CLASS_KEYS, 0) for _ in range(3))
    for part in polygonise(probabilities, selection):
        count[part.land_cover.key] += len(part)
        area[part.land_cover.key] += part.area_m2.sum()
        weighted[part.land_cover.key] += (part.area_m2 * part.mean_probability).sum()
    found = summarise(probabilities, selection)
    assert [row.key for row in found] == list(CLASS_KEYS)
    for row in found:
        assert row.polygons == count[row.key] > 0
        assert row.area_m2 == pytest.approx(area[row.key], rel=1e-9)
        assert row.area_share == pytest.approx(row.area_m2 / valid_area_m2(probabilities))
        assert row.mean_probability == pytest.approx(weighted[row.key] / area[row.key], rel=1e-3)
        assert row.threshold == selection.thresholds[row.class_id - 1]
        assert row.threshold <= row.mean_probability <= 1


def test_areas_and_shares_are_those_of_the_pixels(make_noise):
    probabilities = make_noise()
    valid = probabilities.read(CLASSES[0], probabilities.grid.window) != 255
    assert valid_area_m2(probabilities) == pytest.approx(valid.sum() * 1.24**2)
    for row, c in zip(summarise(probabilities, EVERYTHING), CLASSES, strict=True):
        band = probabilities.read(c, probabilities.grid.window)
        mask = (band >= 125) & (band < 255)
        assert row.area_m2 == pytest.approx(mask.sum() * 1.24**2)
        assert row.area_share == pytest.approx(mask.sum() / valid.sum())
        assert row.mean_probability == pytest.approx(band[mask].mean() / 250)


def test_a_class_without_objects_has_no_mean_probability():
    probabilities = ArrayProbabilities(np.zeros((10, 20, 20), np.uint8), Grid(20, 20))
    row = summarise_class(probabilities, EVERYTHING, CLASSES[4])
    assert (row.polygons, row.area_m2, row.area_share, row.mean_probability) == (0, 0.0, 0.0, None)
    empty = ArrayProbabilities(np.full((10, 20, 20), 255, np.uint8), Grid(20, 20))
    assert summarise_class(empty, EVERYTHING, CLASSES[4]).area_share == 0.0


def test_objects_just_as_large_as_the_smallest_area_are_kept():
    bands = np.zeros((10, 8, 8), np.uint8)
    bands[0, 0, :3] = bands[0, 4, :4] = 250
    probabilities = ArrayProbabilities(bands, Grid(8, 8, pixel_gsd_m=0.7))
    for smallest, count in ((3 * 0.49, 2), (3 * 0.49 + 0.01, 1), (4 * 0.49, 1), (2.0, 0)):
        selection = replace(EVERYTHING, min_area_m2=(smallest,) * 10)
        assert summarise_class(probabilities, selection, CLASSES[0]).polygons == count


def test_thresholds_meet_the_stored_steps():
    bands = np.zeros((10, 1, 4), np.uint8)
    bands[0] = [74, 75, 76, 250]
    probabilities = ArrayProbabilities(bands, Grid(1, 4, pixel_gsd_m=1))
    for threshold, pixels in ((0.3, 3), (0.301, 2), (0.304, 2), (0.305, 1), (1.0, 1)):
        row = summarise_class(probabilities, replace(EVERYTHING, thresholds=(threshold,) * 10), CLASSES[0])
        assert row.area_m2 == pixels


def test_a_file_says_the_same_as_an_array(make_noise, tmp_path, monkeypatch):
    probabilities = make_noise(700, 600)
    path = tmp_path / "p.tif"
    write_cog(path, probabilities.read_all(), probabilities.grid, nodata=255, descriptions=CLASS_KEYS)
    selection = Selection((0.6,) * 10)
    expected = summarise(probabilities, selection)
    assert summarise(path, selection) == expected
    monkeypatch.setattr(raster, "KEPT_PIXELS", 0)
    assert summarise(str(path), selection) == expected


def test_what_is_no_probability_raster_is_refused(tmp_path):
    write_cog(
        tmp_path / "other.tif",
        np.zeros((3, 20, 20), np.uint8),
        Grid(20, 20, DEGREES, CRS.from_epsg(4326)),
        nodata=None,
        descriptions=["a", "b", "c"],
    )
    with pytest.raises(InputError, match="3 bands of uint8"):
        summarise(tmp_path / "other.tif", EVERYTHING)
    with pytest.raises(InputError, match="cannot be opened"):
        summarise(tmp_path / "nowhere.tif", EVERYTHING)
    with pytest.raises(InputError, match="float64"):
        ArrayProbabilities(np.zeros((10, 20, 20)), Grid(20, 20))
