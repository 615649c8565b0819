"""What reading takes over what it returns does not grow with the frames of a file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

TRIANGLES, FRAMES = 102_400, 12
# Bytes per triangle over what is returned; a row of 65,536 places is 2.6, of a float64 5.1.
# Stock takes 330 for get_output of the largest values, and 70 more with each further frame.
MOST = {
    "get_output": 60, "get_output, 'max'": 60, "get_centroids": 110, "get_centroids, 'max'": 110,
    "Make_Geotif, 'max'": 130, "Make_Geotif, 'all'": 130, "sww2dem, depth": 130,
    "file_function": 150, "get_flow_through_cross_section": 130,
    "get_energy_through_cross_section": 150, "SWW_plotter: max_speed": 150,
}


@pytest.mark.slow
@pytest.mark.memory
def test_frames_are_not_held(tmp_path: Path) -> None:
    """Measured as benchmarks/reading_results.py measures it, with some room."""
    script = Path(__file__).resolve().parents[2] / "benchmarks" / "reading_results.py"
    cases = [each for name in MOST for each in ("--case", name)]
    subprocess.run(
        [sys.executable, str(script), "--triangles", str(TRIANGLES), "--frames", str(FRAMES),
         "--variant", "lean", "--json", "found.json", *cases],
        cwd=tmp_path, check=True, capture_output=True, text=True, timeout=300)
    found = json.loads((tmp_path / "found.json").read_text())["cases"]
    over = {name: figures["lean"]["peak"] - figures["lean"]["returned"]
            for name, figures in found.items()}
    assert {} == {name: round(nbytes) for name, nbytes in over.items() if nbytes > MOST[name]}
