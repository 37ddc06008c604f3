"""Images that are begun ahead of the one that is finished, and what stays of them after an error."""

from __future__ import annotations

import pytest

from suelo.cli.batch import Batch
from suelo.errors import UnavailableError
from suelo.model.session import load_model
from suelo.segmentation.resumable import Run
from suelo.segmentation.selection import Selection


class Away:
    """A cluster whose store is out of reach, or that never finishes anything."""

    def __init__(self, reachable):
        self._reachable = reachable
        self.begun = []

    def measure(self, _image, _gsd_m, scene, contract):
        return contract.normalisation.measure(scene)

    def spread(self, run, _gsd_m):
        self.begun.append(run)
        if not self._reachable:
            raise UnavailableError("The store of strips cannot be reached.")
        return object()

    def stop(self):
        pass


@pytest.mark.parametrize("reachable", [False, True])
def test_what_is_not_finished_lets_go_of_its_folder(draw_image, write_model, tmp_path, reachable):
    model = load_model(write_model(tmp_path / "model.onnx", halo=16), threads=1)
    images = [str(draw_image(tmp_path / f"{seed}.tif", seed=seed)) for seed in range(4)]
    folders = [tmp_path / "out" / str(number) for number in range(4)]
    cluster = Away(reachable)
    finishing = Batch(model, None, None, False, "", cluster).begin(images, folders)
    finish = next(finishing)
    if not reachable:
        with pytest.raises(UnavailableError):
            finish(Selection(model.contract.thresholds), [], lambda _progress: None)
    finishing.close()
    assert cluster.begun
    for run in cluster.begun:
        with pytest.raises(ValueError, match="closed"):
            run.scene.read()
        with Run(run.source, run.folder, model):  # nobody holds it
            pass
