"""Folders in Kaggle's DSTL layout: tables, coordinates, coverage, and what is wrong with a folder in a sentence."""

from __future__ import annotations

import csv
import zipfile

import numpy as np
import pytest
import rasterio
import shapely
from shapely import Point, Polygon, box

from suelo.errors import InputError
from suelo.training.dstl import DstlFolder, GridSize, place_of, rasterise, region_of
from suelo.training.dstl_scenes import load_dstl
from suelo.training.labelled import UNKNOWN

HEIGHT, WIDTH = 60, 80


def written(root, images=("6010_1_2",), shapes=None, sizes=None):
    """The two tables alone: WKT in label coordinates per image and class number; every image is 0.008 × 0.006."""
    root.mkdir(exist_ok=True)
    shapes = shapes or {}
    with (root / "train_wkt_v4.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["ImageId", "ClassType", "MultipolygonWKT"])
        for image in images:
            for number in range(1, 11):
                table.writerow([image, number, shapes.get((image, number), "MULTIPOLYGON EMPTY")])
    with (root / "grid_sizes.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["", "Xmax", "Ymin"])
        table.writerows([image, *(sizes or (0.008, -0.006))] for image in images)
    return root


def one_class(root, *parts, number=1):
    """A folder whose only image has these parts, in pixels of an image of HEIGHT × WIDTH, as a class."""
    across, down = 0.008 * (WIDTH + 1) / WIDTH**2, -0.006 * (HEIGHT + 1) / HEIGHT**2
    moved = [shapely.affinity.affine_transform(part, (across, 0, 0, down, 0, 0)) for part in parts]
    return DstlFolder(written(root, shapes={("6010_1_2", number): shapely.MultiPolygon(moved).wkt}))


class TestGrid:
    def test_label_coordinates_become_pixels_by_the_rule_of_the_competition(self):
        size = GridSize(x_max=0.009188, y_min=-0.00904)
        across, down = size.scale(height=837, width=849)
        assert across == pytest.approx(849 * 849 / 850 / 0.009188, rel=1e-12)
        assert down == pytest.approx(837 * 837 / 838 / -0.00904, rel=1e-12)

    def test_the_far_corner_of_the_labels_falls_just_short_of_the_far_corner_of_the_image(self, tmp_path):
        everything = "MULTIPOLYGON (((0 0, 0.008 0, 0.008 -0.006, 0 -0.006, 0 0)))"
        folder = DstlFolder(written(tmp_path, shapes={("6010_1_2", 6): everything}))
        bounds = folder.polygons("6010_1_2", HEIGHT, WIDTH)[5].bounds
        assert bounds == pytest.approx((0, 0, WIDTH * WIDTH / (WIDTH + 1), HEIGHT * HEIGHT / (HEIGHT + 1)))

    def test_both_kinds_of_image_get_the_same_ground_each_in_its_own_pixels(self, tmp_path, write_dstl_folder):
        folder = DstlFolder(write_dstl_folder(tmp_path / "d", ["6010_1_2"], height=96, width=120))
        fine = folder.coverage("6010_1_2", 96, 120)
        coarse = folder.coverage("6010_1_2", 16, 20)
        mean = fine.reshape(10, 16, 6, 20, 6).mean(axis=(2, 4))
        # Crops are blocks; the shrinking by W / (W + 1) differs by up to a pixel between the two.
        assert np.corrcoef(mean[5].ravel(), coarse[5].ravel())[0, 1] > 0.85
        assert np.corrcoef(mean[5].ravel(), coarse[5, ::-1].ravel())[0, 1] < 0.5

    def test_a_shift_moves_right_and_down_by_pixels(self, tmp_path):
        folder = one_class(tmp_path, box(10, 20, 14, 26))
        moved = folder.polygons("6010_1_2", HEIGHT, WIDTH, shift=(3.0, -5.5))[0].bounds
        assert moved == pytest.approx((13, 14.5, 17, 20.5))
        plain = folder.coverage("6010_1_2", HEIGHT, WIDTH)
        right = folder.coverage("6010_1_2", HEIGHT, WIDTH, shift=(3.0, -5.0))
        np.testing.assert_array_equal(right[0, 15:21, 13:17], plain[0, 20:26, 10:14])
        assert right.sum(dtype=int) == plain.sum(dtype=int)


class TestCoverage:
    def test_shares_of_pixels_are_exact(self):
        found = rasterise(shapely.MultiPolygon([box(2, 1, 4.6, 3.4)]), 5, 7)
        expected = np.zeros((5, 7))
        expected[1:3, 2:4] = 1.0
        expected[1:3, 4], expected[3, 2:4], expected[3, 4] = 0.6, 0.4, 0.24
        np.testing.assert_array_equal(found, 250 * expected)
        assert found.dtype == np.uint8

    def test_holes_are_not_covered(self):
        ring = Polygon(box(1, 1, 9, 9).exterior, [box(3, 3, 6, 7).exterior])
        found = rasterise(shapely.MultiPolygon([ring]), 10, 10)
        assert found.sum(dtype=int) == 250 * (64 - 12)
        assert not found[3:7, 3:6].any()

    def test_overlapping_parts_count_once(self, tmp_path):
        found = one_class(tmp_path, box(2, 2, 10, 10), box(5, 5, 12, 12)).coverage("6010_1_2", HEIGHT, WIDTH)[0]
        assert found.max() == 250
        assert found.sum(dtype=int) == pytest.approx(250 * (64 + 49 - 25), rel=0.01)

    def test_a_round_shape_covers_its_area(self):
        found = rasterise(shapely.MultiPolygon([Point(20, 20).buffer(9.3, quad_segs=64)]), 40, 40)
        assert found.sum(dtype=int) / 250 == pytest.approx(np.pi * 9.3**2, rel=0.01)

    def test_each_class_is_in_its_own_layer(self, tmp_path):
        found = one_class(tmp_path, box(2, 2, 10, 10), number=10).coverage("6010_1_2", HEIGHT, WIDTH)
        assert found.shape == (10, HEIGHT, WIDTH)
        assert found[9].any()
        assert not found[:9].any()

    def test_an_outline_that_crosses_itself_covers_both_of_its_loops(self, tmp_path):
        bow_tie = Polygon([(10, 10), (30, 30), (30, 10), (10, 30)])
        assert not bow_tie.is_valid
        folder = one_class(tmp_path, bow_tie)
        (polygons, *_) = folder.polygons("6010_1_2", HEIGHT, WIDTH)
        assert polygons.is_valid
        assert polygons.area == pytest.approx(200)
        found = folder.coverage("6010_1_2", HEIGHT, WIDTH)[0]
        assert found.sum(dtype=int) / 250 == pytest.approx(200, rel=0.02)
        assert found[20, 11] == found[20, 28] == 250

    def test_all_polygons_are_valid_and_empty_where_a_class_does_not_occur(self, tmp_path, write_dstl_folder):
        shapes = {"6010_1_2": {1: box(4, 4, 20, 20)}}
        folder = DstlFolder(write_dstl_folder(tmp_path / "d", ["6010_1_2"], shapes=shapes))
        found = folder.polygons("6010_1_2", 96, 112)
        assert [layer.geom_type for layer in found] == ["MultiPolygon"] * 10
        assert [layer.is_empty for layer in found] == [False] + [True] * 9
        assert found[0].area == pytest.approx(256)


class TestTables:
    @pytest.mark.parametrize("zipped", [False, True])
    def test_tables_are_read_plain_and_zipped(self, tmp_path, write_dstl_folder, zipped):
        root = write_dstl_folder(tmp_path / "d", zipped=zipped)
        assert (root / "train_wkt_v4.csv.zip").is_file() == zipped
        folder = DstlFolder(root)
        assert folder.labelled == ("6010_1_2", "6110_1_2", "6140_1_2")
        assert folder.scenes() == folder.scenes("A") == folder.labelled
        assert folder.coverage("6110_1_2", 96, 112).any(axis=(1, 2)).all()

    @pytest.mark.parametrize("name", ["", "ImageId"])
    def test_the_first_column_of_the_grid_sizes_may_lack_its_name(self, tmp_path, name):
        root = written(tmp_path)
        (root / "grid_sizes.csv").write_text(f"{name},Xmax,Ymin\n6010_1_2,0.0091,-0.009\n")
        assert DstlFolder(root).grid_size("6010_1_2") == GridSize(0.0091, -0.009)
        assert DstlFolder(root).grid_size("6010_1_3") is None

    def test_a_field_of_several_megabytes_is_read_and_the_limit_of_others_stays(self, tmp_path):
        before = csv.field_size_limit()
        ring = ", ".join(f"{0.004 + 0.003 * np.cos(t):.9f} {-0.003 - 0.002 * np.sin(t):.9f}" for t in np.r_[0:6.2:9e4j])
        wkt = f"MULTIPOLYGON ((({ring}, {ring.split(',')[0]})))"
        assert len(wkt) > 2_000_000
        folder = DstlFolder(written(tmp_path, shapes={("6010_1_2", 5): wkt}))
        assert folder.polygons("6010_1_2", HEIGHT, WIDTH)[4].area > 1000
        assert csv.field_size_limit() == before

    def test_an_image_counts_when_it_has_labels_a_size_and_a_file(self, tmp_path, write_dstl_folder):
        root = write_dstl_folder(tmp_path / "d")
        (root / "sixteen_band" / "6110_1_2_M.tif").unlink()
        table = (root / "grid_sizes.csv").read_text()
        (root / "grid_sizes.csv").write_text(table.replace("6010_1_2", "6010_0_0"))
        folder = DstlFolder(root)
        assert folder.scenes() == ("6140_1_2",)
        assert folder.scenes("A") == ("6110_1_2", "6140_1_2")
        assert folder.image_path("6110_1_2") is None
        assert folder.image_path("6110_1_2", "A") == root / "sixteen_band" / "6110_1_2_A.tif"

    def test_shifts_and_masks_are_used_where_they_are(self, tmp_path, write_dstl_folder):
        folder = DstlFolder(write_dstl_folder(tmp_path / "with"))
        assert folder.registration("6010_1_2") == (1.0, -0.5)
        mask = folder.reliable("6010_1_2", 96, 112)
        assert mask.dtype == bool
        assert mask[:, :-10].all()
        assert not mask[:, -10:].any()
        kaggle = DstlFolder(write_dstl_folder(tmp_path / "without", extras=False))
        assert kaggle.registration("6010_1_2") == (0.0, 0.0)
        assert kaggle.reliable("6010_1_2", 96, 112) is None


class TestPlaces:
    def test_images_of_the_same_ground_have_one_place_and_their_squares_one_region(self):
        assert place_of("6110_1_2") == place_of("6140_1_2")
        assert place_of("6110_3_1") == place_of("6140_3_1")
        assert place_of("6110_1_2") != place_of("6110_3_1") != place_of("6110_4_0")
        assert region_of("6010_4_2") == region_of("6010_1_2") == "6010"
        assert region_of("6140_1_2") == region_of("6110_4_0")


class TestScenes:
    def test_image_and_labels_lie_on_one_another(self, tmp_path, write_dstl_folder):
        folder = DstlFolder(write_dstl_folder(tmp_path / "d", ["6010_1_2"], extras=False))
        told = []
        (scene,) = load_dstl(folder, folder.scenes(), lambda *n: told.append(n))
        assert told == [(0, 1)]
        assert scene.name == "6010_1_2"
        assert scene.values.shape == (8, 96, 112)
        assert scene.valid.all()
        assert scene.known().all()
        members = scene.members()
        water, others = members[7] & (members.sum(axis=0) == 1), ~members[6:8].any(axis=0)
        near_infrared = scene.values[6]
        assert np.quantile(near_infrared[water], 0.98) < 200 < np.quantile(near_infrared[others], 0.02)

    def test_where_the_image_cannot_be_trusted_no_class_is_known(self, tmp_path, write_dstl_folder):
        folder = DstlFolder(write_dstl_folder(tmp_path / "d", ["6010_1_2"]))
        (scene,) = load_dstl(folder, ["6010_1_2"])
        assert (scene.truth[:, :, -10:] == UNKNOWN).all()
        assert scene.known()[:, :, :-10].all()
        assert scene.valid.all()  # the image is there; only its truth is not

    def test_pixels_of_zeros_have_no_data(self, tmp_path, write_dstl_folder):
        root = write_dstl_folder(tmp_path / "d", ["6010_1_2"])
        with rasterio.open(root / "sixteen_band" / "6010_1_2_M.tif", "r+") as file:
            values = file.read()
            values[:, :7] = 0
            file.write(values)
        (scene,) = load_dstl(DstlFolder(root), ["6010_1_2"])
        assert not scene.valid[:7].any()
        assert scene.valid[7:].all()
        assert min(scene.statistics.low) > 50


def sentence(error):
    text = str(error.value)
    assert "\n" not in text
    assert text.endswith(".")
    return text


class TestBadInput:
    def test_no_folder(self, tmp_path):
        with pytest.raises(InputError) as error:
            DstlFolder(tmp_path / "nowhere")
        assert "There is no folder" in sentence(error)

    @pytest.mark.parametrize("name", ["train_wkt_v4.csv", "grid_sizes.csv"])
    def test_a_missing_table(self, tmp_path, name):
        (written(tmp_path) / name).unlink()
        with pytest.raises(InputError) as error:
            DstlFolder(tmp_path)
        assert f"has no {name} (or {name}.zip)" in sentence(error)

    @pytest.mark.parametrize(
        "rows",
        ["6010_1_2,wide,-0.009", "6010_1_2,0.009", "6010_1_2", "6010_1_2,0,-0.009", "6010_1_2,0.009,0.009",
         "6010_1_2,nan,-0.009"],
    )  # fmt: skip
    def test_a_grid_size_that_is_none(self, tmp_path, rows):
        (written(tmp_path) / "grid_sizes.csv").write_text(f",Xmax,Ymin\n{rows}\n")
        with pytest.raises(InputError) as error:
            DstlFolder(tmp_path)
        assert "Row 1 of" in sentence(error)
        assert "grid_sizes.csv" in sentence(error)

    @pytest.mark.parametrize(
        "row", ["6010_1_2,11,MULTIPOLYGON EMPTY", "6010_1_2,0,MULTIPOLYGON EMPTY", "6010_1_2,trees,A", "6010_1_2,3",
                "6010_1_2"]
    )  # fmt: skip
    def test_a_label_that_is_none(self, tmp_path, row):
        (written(tmp_path) / "train_wkt_v4.csv").write_text(f"ImageId,ClassType,MultipolygonWKT\n{row}\n")
        with pytest.raises(InputError) as error:
            DstlFolder(tmp_path)
        assert "Row 1 of" in sentence(error)
        assert "MultipolygonWKT" in sentence(error)

    @pytest.mark.parametrize("name", ["train_wkt_v4.csv", "grid_sizes.csv"])
    def test_another_table_under_the_name(self, tmp_path, name):
        (written(tmp_path) / name).write_text("a,b\n1,2\n")
        with pytest.raises(InputError) as error:
            DstlFolder(tmp_path)
        assert name in sentence(error)

    @pytest.mark.parametrize("content", [b"\xff\xfe\x00\x01binary\x00\xff" * 9, b"\x00\x00,\x00\n\x00,,\n"])
    @pytest.mark.parametrize("name", ["train_wkt_v4.csv", "grid_sizes.csv"])
    def test_no_table_at_all(self, tmp_path, name, content):
        (written(tmp_path) / name).write_bytes(content)
        with pytest.raises(InputError) as error:
            DstlFolder(tmp_path)
        assert name in sentence(error)

    def test_a_zip_that_is_none_or_holds_something_else(self, tmp_path):
        (written(tmp_path) / "grid_sizes.csv").unlink()
        (tmp_path / "grid_sizes.csv.zip").write_bytes(b"half a download")
        with pytest.raises(InputError) as error:
            DstlFolder(tmp_path)
        assert "is not a zip file that holds grid_sizes.csv" in sentence(error)
        with zipfile.ZipFile(tmp_path / "grid_sizes.csv.zip", "w") as archive:
            archive.writestr("readme.txt", "hello")
        with pytest.raises(InputError) as error:
            DstlFolder(tmp_path)
        assert "is not a zip file that holds grid_sizes.csv" in sentence(error)

    def test_a_zip_that_is_damaged_inside(self, tmp_path, write_dstl_folder):
        path = write_dstl_folder(tmp_path / "d", zipped=True) / "train_wkt_v4.csv.zip"
        content = bytearray(path.read_bytes())
        content[len(content) // 3 : len(content) // 3 + 200] = bytes(200)
        path.write_bytes(content)
        with pytest.raises(InputError) as error:
            DstlFolder(tmp_path / "d")
        assert "train_wkt_v4.csv" in sentence(error)

    def test_a_table_of_shifts_with_other_columns(self, tmp_path):
        (written(tmp_path) / "registration_A.csv").write_text("id,x,y\n6010_1_2,1,2\n")
        with pytest.raises(InputError) as error:
            DstlFolder(tmp_path)
        assert "ImageId, dx and dy" in sentence(error)

    def test_a_geometry_that_is_none(self, tmp_path):
        folder = DstlFolder(written(tmp_path, shapes={("6010_1_2", 4): "MULTIPOLYGON (((0 0, 1"}))
        with pytest.raises(InputError) as error:
            folder.coverage("6010_1_2", HEIGHT, WIDTH)
        assert "Class 4 of image 6010_1_2" in sentence(error)

    def test_an_image_without_labels_or_without_a_size(self, tmp_path):
        folder = DstlFolder(written(tmp_path, images=("6010_1_2", "6010_4_2")))
        with pytest.raises(InputError) as error:
            folder.coverage("6999_9_9", HEIGHT, WIDTH)
        assert "has no labels of image 6999_9_9" in sentence(error)
        (tmp_path / "grid_sizes.csv").write_text(",Xmax,Ymin\n6010_1_2,0.009,-0.009\n")
        with pytest.raises(InputError) as error:
            DstlFolder(tmp_path).coverage("6010_4_2", HEIGHT, WIDTH)
        assert "has no grid size of image 6010_4_2" in sentence(error)

    def test_images_that_are_missing_damaged_or_have_other_bands(self, tmp_path, write_dstl_folder):
        root = write_dstl_folder(tmp_path / "d", ["6010_1_2"])
        path = root / "sixteen_band" / "6010_1_2_M.tif"
        folder = DstlFolder(root)
        with rasterio.open(path, "w", "GTiff", 112, 96, 3, dtype="uint16") as file:
            file.write(np.ones((3, 96, 112), np.uint16))
        with pytest.raises(InputError) as error:
            load_dstl(folder, ["6010_1_2"])
        assert "has 3 bands; the M images of the DSTL data set have 8" in sentence(error)
        path.write_bytes(b"half a download")
        with pytest.raises(InputError) as error:
            load_dstl(folder, ["6010_1_2"])
        assert "6010_1_2_M.tif" in sentence(error)
        path.unlink()
        with pytest.raises(InputError) as error:
            load_dstl(folder, ["6010_1_2"])
        assert "has no sixteen_band/6010_1_2_M.tif" in sentence(error)

    def test_a_mask_of_another_size_or_none_at_all(self, tmp_path, write_dstl_folder):
        root = write_dstl_folder(tmp_path / "d", ["6010_1_2"])
        path = root / "reliable" / "6010_1_2.tif"
        with rasterio.open(path, "w", "GTiff", 50, 40, 1, dtype="uint8") as file:
            file.write(np.ones((1, 40, 50), np.uint8))
        with pytest.raises(InputError) as error:
            load_dstl(DstlFolder(root), ["6010_1_2"])
        assert "mask of image 6010_1_2 has 50 × 40 pixels" in sentence(error)
        path.write_bytes(b"half a download")
        with pytest.raises(InputError) as error:
            load_dstl(DstlFolder(root), ["6010_1_2"])
        assert "6010_1_2.tif" in sentence(error)
