"""The example notebook runs from top to bottom, against a real server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).resolve().parents[2] / "examples" / "client.ipynb"


def test_the_example_runs(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    monkeypatch.setenv("SUELO_URL", url)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    runner = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}})
    runner.execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    shown = {output.get("output_type") for cell in cells for output in cell.outputs}
    assert shown <= {"execute_result", "stream"}
    images = [output for cell in cells for output in cell.outputs if "image/png" in output.get("data", {})]
    assert len(images) == 1
    table = next(output for cell in cells if "job.classes" in cell.source for output in cell.outputs)
    assert "Buildings" in table.data["text/plain"]
    assert (tmp_path / "preview.png").stat().st_size > 1000


def test_the_example_is_kept_without_results() -> None:
    for cell in json.loads(NOTEBOOK.read_text())["cells"]:
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None
