"""`suelo train --check DIR`."""

from __future__ import annotations

import subprocess
import sys

PLACES = ("6010_1_2", "6040_1_0", "6070_2_3", "6110_1_2", "6140_1_2")


def check(folder):
    """As a user whose installation has no PyTorch: looking needs none."""
    code = "import sys; sys.modules['torch'] = None; from suelo.cli import main; main()"
    command = [sys.executable, "-c", code, "train", "--check", str(folder)]
    return subprocess.run(command, check=False, capture_output=True, text=True, env={"PYTHONUTF8": "1"})


def test_a_whole_folder_is_shown_and_ends_well(tmp_path, write_dstl_folder):
    root = write_dstl_folder(tmp_path / "d", PLACES)
    result = check(root)
    assert result.returncode == 0, result.stderr
    for image_id in PLACES:
        assert f"\n{image_id}   " in result.stdout
    assert "112×96" in result.stdout
    assert "18×16" in result.stdout
    assert "+1.0, -0.5" in result.stdout
    assert "91 %" in result.stdout
    assert "1–10" in result.stdout
    assert "Standing water" in result.stdout
    assert "5 of 5 labelled images can be trained on" in result.stdout
    assert f"A training can run: suelo train --data {root}" in result.stdout
    assert "Kaggle" not in result.stdout
    assert max(len(line) for line in result.stdout.split("labelled images")[0].splitlines()) <= 80


def test_a_folder_with_gaps_is_shown_with_how_to_fill_them_and_why_no_training_can_run(tmp_path, write_dstl_folder):
    root = write_dstl_folder(tmp_path / "d", PLACES)
    (root / "sixteen_band" / "6010_1_2_M.tif").unlink()
    (root / "sixteen_band" / "6040_1_0_A.tif").unlink()
    result = check(root)
    assert result.returncode == 2
    assert result.stdout.count("missing") == 2
    assert "Without an M image or a grid size: 6010_1_2." in result.stdout
    assert "accept the rules" in result.stdout
    assert "A training can run" not in result.stdout
    assert result.stderr.startswith("Error: ")
    assert "3 separate places; a training needs 4" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_folder_without_tables_says_what_to_download(tmp_path):
    result = check(tmp_path)
    assert result.returncode == 2
    assert "sixteen_band.zip, train_wkt_v4.csv.zip and grid_sizes.csv.zip" in result.stdout
    assert "has no grid_sizes.csv" in result.stderr
    assert result.stderr.count("\n") == 1
